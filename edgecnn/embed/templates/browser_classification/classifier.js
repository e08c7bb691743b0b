// The model beside this file: raw pixels in, probabilities out. No preprocessing, it is inside the model.
import * as ort from "./ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1; // more need a page with COOP and COEP headers, and small models gain nothing

/**
 * ``read(name)`` returns the bytes of a file beside this one; the default fetches it.
 * @param {(name: string) => Promise<Uint8Array>} [read]
 */
export async function load(read = fetchBytes) {
  /** @type {import("./golden.js").Card} */
  const card = JSON.parse(new TextDecoder().decode(await read("card.json")));
  ort.env.wasm.wasmBinary = await read("ort-wasm-simd-threaded.wasm");
  const session = await ort.InferenceSession.create(await read("model.onnx"));
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

/** @param {string} name */
async function fetchBytes(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
