// Paints each golden image on a canvas, reads the canvas and classifies what it read: the way of a real picture.

import { paint, pixelsOf } from "./canvas.js";
import { load } from "./classifier.js";
import { compare } from "./golden.js";

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
/** @param {boolean} passed @param {string} text */
const say = (passed, text) => {
  byId("verdict").dataset.passed = String(passed);
  byId("verdict").textContent = text;
};

/** @param {Float32Array} answer @param {string[]} labels @param {HTMLCanvasElement} canvas */
function show(answer, labels, canvas) {
  const best = answer.indexOf(Math.max(...answer));
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = `${labels[best]}  ${(100 * answer[best]).toFixed(1)}%`;
  figure.append(canvas, caption);
  byId("images").append(figure);
}

try {
  const { card, labels, probabilities } = await load();
  byId("model").textContent = `${card.name} (${card.form})`;
  /** @param {Uint8Array} pixels */
  const throughCanvas = async (pixels) => {
    const canvas = document.createElement("canvas");
    paint(canvas, pixels, card.input);
    const answer = await probabilities(pixelsOf(canvas, card.input));
    show(answer, labels, canvas);
    return answer;
  };
  const result = await compare(card, throughCanvas);
  say(result.passed, result.verdict);
} catch (error) {
  say(false, `FAILED: ${error instanceof Error ? error.message : error}`);
}
