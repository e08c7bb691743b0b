// ONNX Runtime for the web: WebAssembly, one thread, nothing but this server's own files.
import * as ort from "./ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1; // more need a page with COOP and COEP headers, and small models gain nothing

/**
 * Hand over the engine, once, before the first session.
 * @param {Uint8Array} wasm
 */
export function start(wasm) {
  ort.env.wasm.wasmBinary = wasm;
}

/** @param {Uint8Array} model */
export function session(model) {
  return ort.InferenceSession.create(model);
}

/** @param {Uint8Array} pixels @param {number[]} shape */
export function tensor(pixels, shape) {
  return new ort.Tensor("uint8", pixels, shape);
}

/** @param {ort.Tensor} tensor */
export function floats({ data }) {
  return /** @type {Float32Array} */ (data);
}

/** @param {ort.Tensor} tensor */
export function bytes({ data }) {
  return /** @type {Uint8Array} */ (data);
}
