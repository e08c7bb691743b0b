// A model file in onnxruntime-node: node _node.mjs MODEL THREADS. It answers one JSON document for each line it is told:
// {outputs, inputs} runs the model, {repeat} makes that call again so many times and times each, {memory} is its peak.
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const SETTLE_CALLS = 3;
const SPINNING_MS = 60; // how long a pool of threads may spin after a call, and keep a core from the next contender
const TYPES = { uint8: Uint8Array, float32: Float32Array };

process.env.ORT_DISABLE_TELEMETRY ??= "1";
const ort = createRequire(join(process.cwd(), "of.js"))("onnxruntime-node");
const [path, threads] = process.argv.slice(2);

/** @param {object} document */
const answer = (document) => process.stdout.write(`${JSON.stringify(document)}\n`);

/** @param {{ type: "uint8" | "float32", shape: number[], base64: string }} packed */
function tensor({ type, shape, base64 }) {
  const bytes = Buffer.from(base64, "base64");
  const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return new ort.Tensor(type, new TYPES[type](own), shape);
}

/** @param {{ type: string, dims: number[], data: Uint8Array | Float32Array }} found */
function packed({ type, dims, data }) {
  return { type, shape: dims, base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") };
}

/** @param {() => Promise<unknown>} call @param {number} count */
async function timed(call, count) {
  for (let made = 0; made < SETTLE_CALLS; made++) await call();
  const ns = [];
  for (let made = 0; made < count; made++) {
    const started = process.hrtime.bigint();
    await call();
    ns.push(Number(process.hrtime.bigint() - started));
  }
  if (Number(threads) > 1) await sleep(SPINNING_MS);
  return ns;
}

async function main() {
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: Number(threads), interOpNumThreads: 1 });
  answer({});
  /** @type {() => Promise<Record<string, any>>} */
  let call = async () => ({});
  for await (const line of createInterface({ input: process.stdin })) {
    const wanted = JSON.parse(line);
    if (wanted.inputs) {
      const inputs = Object.fromEntries(Object.entries(wanted.inputs).map(([name, one]) => [name, tensor(one)]));
      call = () => session.run(inputs, wanted.outputs);
      const found = await call();
      answer({ outputs: wanted.outputs.map((/** @type {string} */ name) => packed(found[name])) });
    } else if (wanted.repeat) {
      answer({ ns: await timed(call, wanted.repeat) });
    } else {
      answer({ peak_bytes: process.resourceUsage().maxRSS * 1024 });
    }
  }
}

main().catch((error) => answer({ error: String(error.message ?? error).split("\n")[0] }));
