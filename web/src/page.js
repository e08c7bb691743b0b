// The page: which input is open, what it gives to the network, and where the answer goes.
import { camera } from "./camera.js";
import { byId, painter, part, reason } from "./dom.js";
import { open } from "./network.js";
import { paper } from "./paper.js";
import { opaque } from "./pixels.js";
import { recognize } from "./recognize.js";
import { memory } from "./tracking.js";
import { message, view } from "./view.js";

/** @import { Frame, Memory, Network } from "./types.d.ts" */
/** @typedef {{ frame: () => Frame, empty: string, fps?: number, remembered?: Memory, wanted?: () => boolean }} Shot */
/** @typedef {{ open: () => void, close?: () => void }} Source */
/** @typedef {ReturnType<typeof paper>} Sheet */

const ONE = { width: 280, height: 280, thickness: 22 };
const SEVERAL = { width: 480, height: 320, thickness: 14 };
const DIGITS = [..."0123456789"];
const LARGEST_PIXELS = 50e6;

async function main() {
  const network = await open();
  const shown = view(network.card, network.modelBytes);
  const schedule = latestOnly();
  let current = "";

  /**
   * Answer a frame of an input once the one before it is answered; one that is wanted no more is not shown.
   * @param {string} name
   * @param {Shot} shot
   */
  const recognized = (name, { frame, empty, fps, remembered, wanted = () => true }) =>
    schedule(async () => {
      try {
        const picture = frame();
        const result = await recognize(network, opaque(picture), { drawn: name === "draw", remembered });
        if (current !== name || !wanted()) return;
        shown.boxes(`${name}-boxes`, picture, result);
        shown.answer(result, { empty, fps });
      } catch (error) {
        message(`This picture could not be classified: ${reason(error)}`);
      }
    });

  const nothing = network.find ? "Nothing found" : "";
  const invitation = DIGITS.every((digit) => network.card.labels.includes(digit)) ? "Draw a digit" : "Draw something";
  /** @type {Record<string, Source>} */
  const inputs = {
    draw: drawing(network, (sheet) =>
      recognized("draw", { frame: sheet.frame, empty: sheet.blank() ? invitation : nothing }),
    ),
    picture: pictures((frame) => recognized("picture", { frame, empty: nothing })),
    camera: filming((options) => recognized("camera", { ...options, empty: nothing })),
  };
  byId("tab-draw").hidden = network.card.input.channels !== 1;
  const show = tabs(Object.keys(inputs), (name) => {
    inputs[current]?.close?.();
    current = name;
    inputs[name].open();
  });
  show(byId("tab-draw").hidden ? "picture" : "draw");
}

/**
 * Run one task after the other; of those that wait, only the latest runs.
 * @returns {(task: () => Promise<void>) => Promise<void>}
 */
function latestOnly() {
  /** @type {(() => Promise<void>) | null} */
  let waiting = null;
  /** @type {Promise<void> | null} */
  let running = null;
  async function drain() {
    while (waiting) {
      const task = waiting;
      waiting = null;
      await task();
    }
    running = null;
  }
  return (task) => {
    waiting = task;
    running ??= drain();
    return running;
  };
}

/**
 * Wire the tabs, arrow keys included; returns what opens one by its name.
 * @param {string[]} names
 * @param {(name: string) => void} opened
 */
function tabs(names, opened) {
  /** @param {string} name */
  function show(name) {
    for (const each of names) {
      byId(`tab-${each}`).setAttribute("aria-selected", String(each === name));
      byId(`tab-${each}`).tabIndex = each === name ? 0 : -1;
      byId(each).hidden = each !== name;
    }
    opened(name);
  }
  const usable = names.filter((name) => !byId(`tab-${name}`).hidden);
  usable.forEach((name, index) => {
    byId(`tab-${name}`).addEventListener("click", () => show(name));
    byId(`tab-${name}`).addEventListener("keydown", ({ key }) => {
      const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      if (step === 0) return;
      const next = usable[(index + step + usable.length) % usable.length];
      show(next);
      byId(`tab-${next}`).focus();
    });
  });
  return show;
}

/** @param {Network} network @param {(sheet: Sheet) => void} changed @returns {Source} */
function drawing(network, changed) {
  const canvas = part("paper", HTMLCanvasElement);
  const { thickness, ...size } = network.find ? SEVERAL : ONE;
  Object.assign(canvas, size);
  const sheet = paper(canvas, { thickness, changed: () => changed(sheet), penMoved });
  byId("clear").addEventListener("click", sheet.clear);
  return { open: () => changed(sheet) };

  /** @param {{ x: number, y: number, down: boolean }} pen */
  function penMoved({ x, y, down }) {
    byId("pen").style.left = `${(100 * x) / canvas.width}%`;
    byId("pen").style.top = `${(100 * y) / canvas.height}%`;
    byId("pen").classList.toggle("down", down);
    byId("pen-state").textContent = down ? "pen down" : "pen up";
  }
}

/** @param {(frame: () => Frame) => Promise<void>} changed @returns {Source} */
function pictures(changed) {
  const [drop, preview] = [byId("drop"), part("preview", HTMLCanvasElement)];
  const context = painter(preview, { willReadFrequently: true });
  let there = false;

  const again = () => {
    if (there) return changed(() => context.getImageData(0, 0, preview.width, preview.height));
    return message("Choose a picture");
  };

  /** @param {File | undefined} file */
  async function take(file) {
    if (!file) return;
    try {
      await paint(file);
      there = true;
      await again();
      byId("picture-name").textContent = file.name; // once its answer is there
    } catch (error) {
      message(reason(error));
    }
  }

  /** @param {File} file */
  async function paint(file) {
    /** @type {ImageBitmapOptions} */
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" }; // the pixels as they are in the file
    const bitmap = await createImageBitmap(file, options).catch(() => {
      throw new Error(`${file.name} is not a picture that this browser reads. Try a PNG or JPEG.`);
    });
    if (bitmap.width * bitmap.height > LARGEST_PIXELS) {
      throw new Error(`${file.name} has over ${LARGEST_PIXELS / 1e6} million pixels. Scale it down first.`);
    }
    Object.assign(preview, { width: bitmap.width, height: bitmap.height, hidden: false });
    preview.classList.toggle("tiny", bitmap.width < 200);
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
  }

  const chooser = part("file", HTMLInputElement);
  chooser.addEventListener("change", () => {
    take(chooser.files?.[0]);
    chooser.value = ""; // the same file again is a change
  });
  for (const name of /** @type {const} */ (["dragover", "dragleave", "drop"])) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") take(event.dataTransfer?.files[0]);
    });
  }
  return { open: again };
}

/** @param {(shot: Omit<Shot, "empty">) => Promise<void>} recognized @returns {Source} */
function filming(recognized) {
  const button = byId("start");
  /** @type {number[]} */
  const times = [];
  let running = false;
  let remembered = memory({ shownAfter: 2 }); // of this filming

  const eye = camera(part("video", HTMLVideoElement), {
    async frame(picture) {
      byId("camera-stage").style.aspectRatio = `${picture.width} / ${picture.height}`;
      await recognized({ frame: () => picture, fps: fps(), remembered, wanted: () => running });
    },
    stopped(reason) {
      showing(false);
      byId("camera-boxes").replaceChildren();
      message(reason || "Camera stopped");
    },
  });

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
    message("Starting …");
    eye.start();
  });
  return { open: () => message("Start the camera"), close: () => eye.stop() };
}

main().catch((error) => message(`The page could not start: ${reason(error)}`));
