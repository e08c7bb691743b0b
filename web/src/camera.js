// The camera: frames one after the other, each as soon as the one before it has been answered.

import { frameOf, reason as messageOf, painter } from "./dom.js";

/** @import { Frame } from "./types.d.ts" */

const WANTED = { video: { facingMode: "environment", width: { ideal: 640 }, height: { ideal: 480 } }, audio: false };

/** @typedef {{ stream: MediaStream | null }} Filming the stream is null while the browser is asking */

/** @type {Record<string, string>} */
const REASONS = {
  NotAllowedError: "The camera was not allowed. Allow it for this page in the browser's settings, then start again.",
  NotFoundError: "No camera was found. Connect one, then start again.",
  OverconstrainedError: "No camera was found. Connect one, then start again.",
  NotReadableError: "The camera is in use by another program. Close that, then start again.",
};
const INSECURE =
  "Browsers give the camera to safe pages alone. Open this page on the machine that serves it, at 127.0.0.1, or over " +
  "https.";

/**
 * Returns { start, stop }. ``frame(frame)`` is awaited for each, which stays as it is until then on ``canvas``;
 * ``stopped(reason)`` is called once at the end.
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 * @param {{ frame: (frame: Frame) => Promise<void>, stopped: (reason: string) => void }} calls
 */
export function camera(video, canvas, { frame, stopped }) {
  const context = painter(canvas, { willReadFrequently: true });
  /** @type {Filming | null} */
  let current = null; // what runs

  async function start() {
    if (current) return;
    /** @type {Filming} */
    const own = { stream: null };
    current = own;
    try {
      own.stream = await opened();
    } catch (error) {
      if (current === own) stop(messageOf(error));
      return;
    }
    if (current !== own) return release(own); // stopped while the browser was asking
    const [track] = own.stream.getVideoTracks();
    track.addEventListener("ended", () => current === own && stop("The camera is gone. Connect it, then start again."));
    video.srcObject = own.stream;
    await video.play().catch(() => {}); // a stop in between ends it
    run(own);
  }

  function stop(reason = "") {
    if (!current) return;
    release(current);
    current = null;
    video.srcObject = null;
    stopped(reason);
  }

  /** @param {Filming} own */
  async function run(own) {
    while (current === own) {
      await nextFrame(video);
      if (current !== own) return;
      const [width, height] = [video.videoWidth, video.videoHeight];
      if (width === 0) continue;
      Object.assign(canvas, { width, height });
      context.drawImage(video, 0, 0);
      await frame(frameOf(context));
    }
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop("The camera was stopped because the page was hidden.");
  });
  return { start, stop };
}

/** @param {Filming} filming */
function release({ stream }) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

async function opened() {
  if (!navigator.mediaDevices) throw new Error(INSECURE);
  try {
    return await navigator.mediaDevices.getUserMedia(WANTED);
  } catch (error) {
    const { name = "" } = /** @type {Partial<Error>} */ (error);
    throw new Error(REASONS[name] ?? `The camera could not be started: ${messageOf(error) || name}.`);
  }
}

/**
 * Wait for a frame that was not seen before, or, where the browser cannot tell, for the next picture of the screen.
 * @param {HTMLVideoElement} video
 */
function nextFrame(video) {
  const stopAfter = new Promise((resolve) => setTimeout(resolve, 500)); // a stopped camera has no next frame
  const next = new Promise((resolve) => {
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(resolve);
    else requestAnimationFrame(resolve);
  });
  return Promise.race([next, stopAfter]);
}
