// Raw pixels in, probabilities out. No preprocessing, it is inside the model.
import { open, Tensor } from "./model.js";

/**
 * ``read(name)`` returns the bytes of a file beside this one; the default fetches it.
 * @param {(name: string) => Promise<Uint8Array>} [read]
 */
export async function load(read) {
  const { card: parsed, session } = await open(read);
  /** @type {import("./golden.js").Card} */
  const card = parsed;
  const { height, width, channels } = card.input;

  /**
   * Return one probability a label for height * width * channels pixels 0..255.
   * @param {Uint8Array} pixels
   */
  async function probabilities(pixels) {
    const image = new Tensor("uint8", pixels, [1, height, width, channels]);
    const answers = await session.run({ image }, ["probabilities"]);
    return /** @type {Float32Array} */ (answers.probabilities.data);
  }

  return { card, labels: card.labels, probabilities };
}
