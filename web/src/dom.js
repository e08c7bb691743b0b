// Parts of the page, which index.html has for certain: one that is missing is a mistake in it.

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
 * What was thrown, in words.
 * @param {unknown} thrown
 */
export function reason(thrown) {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
