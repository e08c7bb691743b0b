// Parts of the page, which index.html has for certain: one that is missing is a mistake in it.

/** @import { Frame, Picture } from "./types.d.ts" */

/**
 * The element with an id.
 * @param {string} id
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no element ${id}`);
  return found;
}

/**
 * The element with an id, of one kind: part("paper", HTMLCanvasElement).
 * @template {Element} Part
 * @param {string} id
 * @param {new () => Part} kind
 * @returns {Part}
 */
export function part(id, kind) {
  const found = /** @type {Element} */ (byId(id));
  if (!(found instanceof kind)) throw new Error(`index.html has another kind of element as ${id}`);
  return found;
}

/**
 * A new element.
 * @param {string} name
 * @param {{ text?: string, className?: string, type?: string, scope?: string }} [properties]
 * @param {(Node | string)[]} [children]
 */
export function element(name, { text, ...properties } = {}, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/**
 * Change a text only where it differs: what is spoken aloud is not said again for each frame.
 * @param {string} id
 * @param {string} text
 */
export function say(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

/**
 * What paints on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function painter(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (context === null) throw new Error("This browser paints on no canvas.");
  return context;
}

/**
 * What is on a canvas, to be read strip by strip.
 * @param {CanvasRenderingContext2D} context
 * @returns {Frame}
 */
export function frameOf(context) {
  const { width, height } = context.canvas;
  return { width, height, rows: (top, count) => context.getImageData(0, top, width, count).data };
}

/**
 * Paint an image onto a canvas, which gets its size.
 * @param {HTMLCanvasElement} canvas
 * @param {Picture} picture
 */
export function paint(canvas, { pixels, height, width, channels }) {
  Object.assign(canvas, { width, height });
  const picture = new ImageData(width, height);
  for (let index = 0; index < height * width; index += 1) {
    for (let color = 0; color < 3; color += 1) {
      picture.data[4 * index + color] = pixels[channels * index + (channels === 1 ? 0 : color)];
    }
    picture.data[4 * index + 3] = 255;
  }
  painter(canvas).putImageData(picture, 0, 0);
}

/** A probability, to a hundredth of a percent where it is near to all or nothing. @param {number} value */
export function percent(value) {
  if (value < 0.00005 || value >= 0.99995) return `${Math.round(100 * value)} %`;
  return `${(100 * value).toFixed(value > 0.9995 || value < 0.0995 ? 2 : 1)} %`;
}

/**
 * What was thrown, in words.
 * @param {unknown} thrown
 */
export function reason(thrown) {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
