// The worker in which the networks run, so that the page goes on while they do: model files in, answers out.
//
// One session after the other: ONNX Runtime for the web runs one call at a time.
import * as ort from "./ort.wasm.bundle.min.mjs";

/** @import { Asking, EngineScope, Values } from "./types.d.ts" */

ort.env.wasm.numThreads = 1; // more need a page with COOP and COEP headers, and small models gain nothing

const scope = /** @type {EngineScope} */ (/** @type {unknown} */ (self));
/** @type {ort.InferenceSession[]} */
const sessions = [];
let last = Promise.resolve();

scope.addEventListener("message", ({ data: { id, asked } }) => {
  last = last.then(async () => {
    try {
      scope.postMessage({ id, told: await answer(asked) });
    } catch (error) {
      scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  });
});

/** @param {Asking} asked */
async function answer({ wasm, model, run }) {
  if (wasm) ort.env.wasm.wasmBinary = wasm;
  if (model) return sessions.push(await ort.InferenceSession.create(model)) - 1;
  return run && (await ran(run));
}

/** @param {NonNullable<Asking["run"]>} run */
async function ran({ session, feeds, wanted }) {
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { data, dims }]) => [name, new ort.Tensor("uint8", data, dims)]),
  );
  const outputs = await (wanted ? sessions[session].run(inputs, wanted) : sessions[session].run(inputs));
  /** @type {Record<string, Values>} */
  const told = {};
  for (const [name, { data, dims }] of Object.entries(outputs)) told[name] = { data, dims };
  return told;
}
