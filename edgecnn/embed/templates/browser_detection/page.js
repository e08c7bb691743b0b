// Paints the golden image on a canvas, reads the canvas and detects on what it read: the way of a real frame.

import { paint, pixelsOf } from "./canvas.js";
import { load } from "./detector.js";
import { compare } from "./golden.js";

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {boolean} passed @param {string} text */
const say = (passed, text) => {
  byId("verdict").dataset.passed = String(passed);
  byId("verdict").textContent = text;
};

/** @param {import("./detector.js").Detection[]} found @param {HTMLCanvasElement} canvas */
function show(found, canvas) {
  byId("images").append(canvas);
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.strokeStyle = "#e0004d";
  for (const { box } of found) context.strokeRect(box[0], box[1], box[2], box[3]);
}

try {
  const { card, label, detect } = await load();
  byId("model").textContent = `${card.name} (${card.form})`;
  const result = await compare(card, async (pixels, size) => {
    const canvas = document.createElement("canvas");
    const input = { ...size, channels: 1 };
    paint(canvas, pixels, input);
    const found = await detect(pixelsOf(canvas, input), size);
    show(found, canvas);
    byId("count").textContent = `${label}: ${found.length}`;
    return found;
  });
  say(result.passed, result.verdict);
} catch (error) {
  say(false, `FAILED: ${error instanceof Error ? error.message : error}`);
}
