// A gray frame of any size in; boxes and scores out, the surest first. No preprocessing, it is inside the model.
import { open, Tensor } from "./model.js";

/**
 * ``box`` is x, y, width, height in pixels of the frame; ``score`` is 0..1.
 * @typedef {{ box: number[], score: number }} Detection
 */

/**
 * ``read(name)`` returns the bytes of a file beside this one; the default fetches it.
 * @param {(name: string) => Promise<Uint8Array>} [read]
 */
export async function load(read) {
  const { card: parsed, session } = await open(read);
  /** @type {import("./golden.js").Card} */
  const card = parsed;

  /**
   * Detect on height * width gray pixels 0..255, in rows from the top left.
   * @param {Uint8Array} pixels
   * @param {{ height: number, width: number }} size
   * @returns {Promise<Detection[]>}
   */
  async function detect(pixels, { height, width }) {
    const frame = new Tensor("uint8", pixels, [1, height, width, 1]);
    const answers = await session.run({ frame }, ["boxes", "scores"]);
    const boxes = Array.from(/** @type {Float32Array} */ (answers.boxes.data));
    const scores = Array.from(/** @type {Float32Array} */ (answers.scores.data));
    return scores.map((score, index) => ({ box: boxes.slice(4 * index, 4 * index + 4), score }));
  }

  return { card, label: card.labels[0], detect };
}
