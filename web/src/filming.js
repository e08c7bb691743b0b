// The input that is a camera: its button, and how many frames a second are answered.
import { camera } from "./camera.js";
import { byId, painter, part } from "./dom.js";
import { memory } from "./tracking.js";

/** @import { Shot, Source } from "./types.d.ts" */

/**
 * ``recognized`` is awaited for each frame; ``said`` gets what is to be said while there is none.
 * @param {(shot: Shot) => Promise<void>} recognized
 * @param {(text: string) => void} said
 * @returns {Source}
 */
export function filming(recognized, said) {
  const button = byId("start");
  /** @type {number[]} */
  const times = [];
  let running = false;
  let remembered = memory({ shownAfter: 2 }); // of this filming

  const taken = document.createElement("canvas");
  const answered = part("camera-frame", HTMLCanvasElement); // what the boxes belong to: the video is further by then
  const context = painter(answered);

  const eye = camera(part("video", HTMLVideoElement), taken, {
    async frame(frame) {
      byId("camera-stage").style.aspectRatio = `${frame.width} / ${frame.height}`;
      await recognized({ frame: () => frame, fps: fps(), remembered, wanted: () => running, answered: show });
    },
    stopped(reason) {
      showing(false);
      answered.hidden = true;
      byId("camera-looked").textContent = "";
      byId("camera-boxes").replaceChildren();
      said(reason || "Camera stopped");
    },
  });

  function show() {
    if (answered.width !== taken.width) answered.width = taken.width;
    if (answered.height !== taken.height) answered.height = taken.height;
    context.drawImage(taken, 0, 0);
    answered.hidden = false;
  }

  /** Frames a second over those of the last two seconds. */
  function fps() {
    const now = performance.now();
    times.push(now);
    while (times[0] < now - 2000) times.shift();
    return times.length > 1 ? (1000 * (times.length - 1)) / (now - times[0]) : 0;
  }

  /** @param {boolean} is */
  function showing(is) {
    running = is;
    remembered = memory({ shownAfter: 2 });
    times.length = 0;
    button.textContent = is ? "Stop camera" : "Start camera";
  }

  button.addEventListener("click", () => {
    if (running) return eye.stop();
    showing(true);
    said("Starting …");
    eye.start();
  });
  return { open: () => running || said("Start the camera"), close: () => eye.stop() };
}
