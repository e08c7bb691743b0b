// The model beside this file: raw pixels in, probabilities out. No preprocessing, it is inside the model.
import { readFile } from "node:fs/promises";

process.env.ORT_DISABLE_TELEMETRY ??= "1"; // before it is loaded, or ONNX Runtime sends a record of its use away
const ort = await import("onnxruntime-node");

const beside = (name) => new URL(name, import.meta.url);

export async function load() {
  const card = JSON.parse(await readFile(beside("card.json"), "utf8"));
  const session = await ort.InferenceSession.create(await readFile(beside("model.onnx")));
  const { height, width, channels } = card.input;

  /** Return a Float32Array, one probability a label, for a Uint8Array of height * width * channels pixels 0..255. */
  async function probabilities(pixels) {
    const image = new ort.Tensor("uint8", pixels, [1, height, width, channels]);
    return (await session.run({ image }, ["probabilities"])).probabilities.data;
  }

  return { card, labels: card.labels, probabilities };
}
