// The model files in onnxruntime-web: WebAssembly, one thread, nothing but this server's own files.
import { wantsInk } from "./ink.js";
import * as ort from "./ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1; // more need a page with COOP and COEP headers, and small models gain nothing

const NONE = "none"; // the label of what is nothing that the model knows
const DENSE_FORM = "int8-dense"; // ranges its activations over the whole batch: alone each image has its own answer

/** ``read(name)`` returns the bytes of a file, or null where there is none; the default fetches it. */
export async function open(read = fetchBytes) {
  const [card, wasm, model, finder] = await Promise.all(
    ["card.json", "ort-wasm-simd-threaded.wasm", "model.onnx", "finder.onnx"].map(read),
  );
  ort.env.wasm.wasmBinary = wasm;
  const sessions = [await ort.InferenceSession.create(model), finder && (await ort.InferenceSession.create(finder))];
  return { ...network(JSON.parse(new TextDecoder().decode(card)), ...sessions), modelBytes: model.length };
}

function network(card, classifier, finder) {
  const { height, width, channels } = card.input;
  const classes = card.labels.length;

  /** Return an answer for each image, all of the model's size: { image, label, probability, probabilities }. */
  async function classify(images) {
    if (images.length === 0) return [];
    if (card.form !== DENSE_FORM) return classifyBatch(images);
    const answers = [];
    for (const image of images) answers.push(...(await classifyBatch([image])));
    return answers;
  }

  async function classifyBatch(images) {
    const pixels = new Uint8Array(images.length * height * width * channels);
    images.forEach((image, index) => pixels.set(image.pixels, index * image.pixels.length));
    const image = new ort.Tensor("uint8", pixels, [images.length, height, width, channels]);
    const { data } = (await classifier.run({ image }, ["probabilities"])).probabilities;
    return images.map((image, index) => answer(image, data.slice(index * classes, (index + 1) * classes)));
  }

  /** Return what probabilities say of an image. */
  function answer(image, probabilities) {
    const best = probabilities.indexOf(Math.max(...probabilities));
    return { image, probabilities, label: card.labels[best], probability: probabilities[best] };
  }

  /** Return what is found in a gray image: the box of each, [x, y, width, height] in its pixels, score and crop. */
  async function find(gray) {
    const frame = new ort.Tensor("uint8", gray.pixels, [1, gray.height, gray.width, 1]);
    const { boxes, scores, crops } = await finder.run({ frame });
    const [count, tall, wide] = crops.dims;
    const part = ({ data }, index, size) => data.slice(index * size, (index + 1) * size);
    return Array.from({ length: count }, (_, index) => ({
      box: Array.from(part(boxes, index, 4)),
      score: scores.data[index],
      crop: { pixels: part(crops, index, tall * wide), height: tall, width: wide, channels: 1 },
    }));
  }

  const known = ({ label }) => label !== NONE;
  return { card, classify, answer, find: finder ? find : null, known, wantsInk: wantsInk(card) };
}

async function fetchBytes(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return response.status === 204 ? null : new Uint8Array(await response.arrayBuffer());
}
