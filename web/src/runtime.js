// ONNX Runtime for the web: WebAssembly, one thread, nothing but this server's own files, in a worker (engine.js).

/** @import { Asking, Bytes, Told, Values } from "./types.d.ts" */

/** @type {Map<number, { resolve: (told: any) => void, reject: (error: Error) => void }>} */
const waiting = new Map();
/** @type {Worker | null} */
let engine = null;
let count = 0;

/**
 * Hand over the engine's code, once, before the first session; it is gone from here then.
 * @param {Uint8Array} wasm
 */
export async function start(wasm) {
  engine = new Worker(new URL("engine.js", import.meta.url), { type: "module" });
  engine.addEventListener("message", (/** @type {MessageEvent<Told>} */ { data: { id, told, error } }) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(told);
    else asked?.reject(new Error(error));
  });
  engine.addEventListener("error", ({ message }) => {
    for (const { reject } of waiting.values()) reject(new Error(message || "its worker, engine.js, did not start"));
    waiting.clear();
  });
  await ask({ wasm }, [wasm.buffer]);
}

/**
 * Open a model file; what is returned runs it.
 * @param {Uint8Array} model
 */
export async function session(model) {
  /** @type {number} */
  const opened = await ask({ model });
  return {
    /**
     * Return the outputs by their names: those that are wanted, or all.
     * @param {Record<string, Bytes>} feeds
     * @param {string[]} [wanted]
     * @returns {Promise<Record<string, Values>>}
     */
    run: (feeds, wanted) => ask({ run: { session: opened, feeds, wanted } }),
  };
}

/** @param {Uint8Array} pixels @param {number[]} shape @returns {Bytes} */
export function tensor(pixels, shape) {
  return { data: pixels, dims: shape };
}

/** @param {Values} values */
export function floats({ data }) {
  return /** @type {Float32Array} */ (data);
}

/** @param {Values} values */
export function bytes({ data }) {
  return /** @type {Uint8Array} */ (data);
}

/** @param {Asking} asked @param {Transferable[]} [handed] @returns {Promise<any>} */
function ask(asked, handed = []) {
  return new Promise((resolve, reject) => {
    count += 1;
    waiting.set(count, { resolve, reject });
    if (engine) engine.postMessage({ id: count, asked }, handed);
    else reject(new Error("the engine was not started"));
  });
}
