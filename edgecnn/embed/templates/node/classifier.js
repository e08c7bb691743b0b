// The model beside this file: raw pixels in, probabilities out. No preprocessing, it is inside the model.
import { readFile } from "node:fs/promises";

process.env.ORT_DISABLE_TELEMETRY ??= "1"; // before it is loaded, or ONNX Runtime sends a record of its use away
const ort = await import("onnxruntime-node");

/** @param {string} name */
const beside = (name) => new URL(name, import.meta.url);

export async function load() {
  /** @type {import("./golden.js").Card} */
  const card = JSON.parse(await readFile(beside("card.json"), "utf8"));
  const session = await ort.InferenceSession.create(await readFile(beside("model.onnx")));
  const { height, width, channels } = card.input;

  /**
   * Return one probability a label for height * width * channels pixels 0..255.
   * @param {Uint8Array} pixels
   */
  async function probabilities(pixels) {
    const image = new ort.Tensor("uint8", pixels, [1, height, width, channels]);
    const answers = await session.run({ image }, ["probabilities"]);
    return /** @type {Float32Array} */ (answers.probabilities.data);
  }

  return { card, labels: card.labels, probabilities };
}
