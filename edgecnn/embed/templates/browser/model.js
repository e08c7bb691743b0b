// The model and the card beside this file, opened in WebAssembly.
import * as ort from "./ort.wasm.bundle.min.mjs";

export const Tensor = ort.Tensor;

ort.env.wasm.numThreads = 1; // more need a page with COOP and COEP headers, and small models gain nothing

/**
 * ``read(name)`` returns the bytes of a file beside this one; the default fetches it.
 * @param {(name: string) => Promise<Uint8Array>} [read]
 */
export async function open(read = fetchBytes) {
  const card = JSON.parse(new TextDecoder().decode(await read("card.json")));
  ort.env.wasm.wasmBinary = await read("ort-wasm-simd-threaded.wasm");
  return { card, session: await ort.InferenceSession.create(await read("model.onnx")) };
}

/** @param {string} name */
async function fetchBytes(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
