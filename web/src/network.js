// The model files in onnxruntime-web: WebAssembly, one thread, nothing but this server's own files.
import { wantsInk } from "./ink.js";
import * as ort from "./ort.wasm.bundle.min.mjs";

/** @import { Answer, Card, Find, Network, Picture } from "./types.d.ts" */

ort.env.wasm.numThreads = 1; // more need a page with COOP and COEP headers, and small models gain nothing

const NONE = "none"; // the label of what is nothing that the model knows
const DENSE_FORM = "int8-dense"; // ranges its activations over the whole batch: alone each image has its own answer

/**
 * ``read(name)`` returns the bytes of a file, or null where there is none; the default fetches it.
 * @param {(name: string) => Promise<Uint8Array | null>} [read]
 * @returns {Promise<Network & { modelBytes: number }>}
 */
export async function open(read = fetchBytes) {
  const [card, wasm, model, finder] = await Promise.all(
    ["card.json", "ort-wasm-simd-threaded.wasm", "model.onnx", "detector.onnx"].map(read),
  );
  if (!card || !wasm || !model) throw new Error("card.json, the runtime or model.onnx is not there");
  ort.env.wasm.wasmBinary = wasm;
  const classifier = await ort.InferenceSession.create(model);
  const own = finder && (await ort.InferenceSession.create(finder));
  return { ...network(JSON.parse(new TextDecoder().decode(card)), classifier, own), modelBytes: model.length };
}

/**
 * @param {Card} card
 * @param {ort.InferenceSession} classifier
 * @param {ort.InferenceSession | null} finder
 * @returns {Network}
 */
function network(card, classifier, finder) {
  const { height, width, channels } = card.input;
  const classes = card.labels.length;

  /**
   * Return an answer for each image, all of the model's size.
   * @param {Picture[]} images
   */
  async function classify(images) {
    if (images.length === 0) return [];
    if (card.form !== DENSE_FORM) return classifyBatch(images);
    /** @type {Answer[]} */
    const answers = [];
    for (const image of images) answers.push(...(await classifyBatch([image])));
    return answers;
  }

  /** @param {Picture[]} images */
  async function classifyBatch(images) {
    const pixels = new Uint8Array(images.length * height * width * channels);
    for (const [index, image] of images.entries()) pixels.set(image.pixels, index * image.pixels.length);
    const image = new ort.Tensor("uint8", pixels, [images.length, height, width, channels]);
    const data = floats((await classifier.run({ image }, ["probabilities"])).probabilities);
    return images.map((image, index) => answer(image, data.slice(index * classes, (index + 1) * classes)));
  }

  /**
   * Return what probabilities say of an image.
   * @param {Picture} image
   * @param {Float32Array} probabilities
   */
  function answer(image, probabilities) {
    const best = probabilities.indexOf(Math.max(...probabilities));
    return { image, probabilities, label: card.labels[best], probability: probabilities[best] };
  }

  /**
   * Return what is found in a gray image: the box of each, in its pixels, score and crop.
   * @param {ort.InferenceSession} session
   * @param {Picture} gray
   * @returns {Promise<Find[]>}
   */
  async function findWith(session, gray) {
    const frame = new ort.Tensor("uint8", gray.pixels, [1, gray.height, gray.width, 1]);
    const { boxes, scores, crops } = await session.run({ frame });
    const [count, tall, wide] = crops.dims;
    const pixels = bytes(crops);
    return Array.from({ length: count }, (_, index) => ({
      box: Array.from(floats(boxes).slice(index * 4, (index + 1) * 4)),
      score: floats(scores)[index],
      crop: {
        pixels: pixels.slice(index * tall * wide, (index + 1) * tall * wide),
        height: tall,
        width: wide,
        channels: 1,
      },
    }));
  }

  /** @param {Answer} answer */
  const known = ({ label }) => label !== NONE;
  return {
    card,
    classify,
    answer,
    find: finder && ((gray) => findWith(finder, gray)),
    known,
    wantsInk: wantsInk(card),
  };
}

/** @param {ort.Tensor} tensor */
function floats({ data }) {
  return /** @type {Float32Array} */ (data);
}

/** @param {ort.Tensor} tensor */
function bytes({ data }) {
  return /** @type {Uint8Array} */ (data);
}

/** @param {string} name */
async function fetchBytes(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return response.status === 204 ? null : new Uint8Array(await response.arrayBuffer());
}
