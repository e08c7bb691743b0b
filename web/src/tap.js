// A model file with its layers' activations as further outputs.
//
// A file is one protobuf message, ModelProto of onnx.proto. Two messages in a row are one to whoever reads them, whose
// lists are both lists together, so that further outputs are some bytes at the file's end.

/** @import { Layer } from "./types.d.ts" */

const [GRAPH, NODE, OUTPUT] = [7, 1, 12]; // fields of ModelProto and GraphProto
const [NODE_INPUT, NODE_OUTPUT, OPERATOR] = [1, 2, 4]; // fields of NodeProto
const NAME = 1; // of ValueInfoProto
const [VARINT, WITH_LENGTH] = [0, 2]; // wire types
/** @type {Record<number, number>} */
const FIXED = { 1: 8, 5: 4 }; // bytes of those of one size
const CONVOLUTIONS = ["Conv", "ConvInteger", "QLinearConv", "FusedConv"];
const ACTIVATIONS = [
  "Relu",
  "LeakyRelu",
  "PRelu",
  "Clip",
  "Elu",
  "Selu",
  "Gelu",
  "HardSwish",
  "Mish",
  "Softplus",
  "Tanh",
];
const CLIPPED = "DequantizeLinear"; // quantized files have the activation in the range of the integers
const BETWEEN = ["Cast", "Mul", "Add", "BatchNormalization", "QuantizeLinear"];

/**
 * The convolutions of a model, each by the activation that follows it, in the order of the file.
 * @param {Uint8Array} model
 * @returns {Layer[]}
 */
export function layers(model) {
  /** @type {Layer[]} */
  const found = [];
  /** @type {Map<string, Layer>} */
  const after = new Map(); // what came of a layer, by the tensor's name
  for (const graph of within(model, GRAPH)) {
    for (const node of within(graph, NODE)) {
      const [operator] = texts(node, OPERATOR);
      const [output] = texts(node, NODE_OUTPUT);
      if (CONVOLUTIONS.includes(operator)) {
        found.push({ operator, tensor: output });
        after.set(output, found[found.length - 1]);
        continue;
      }
      const isActivation = operator === CLIPPED || ACTIVATIONS.includes(operator);
      const layer = texts(node, NODE_INPUT)
        .map((input) => after.get(input))
        .find(Boolean);
      if (!layer || !(isActivation || BETWEEN.includes(operator))) continue;
      if (isActivation) layer.tensor = output;
      after.set(output, layer);
    }
  }
  return found;
}

/**
 * The same model, which gives these tensors as well.
 * @param {Uint8Array} model
 * @param {string[]} tensors
 */
export function tapped(model, tensors) {
  const outputs = tensors.map((tensor) => field(OUTPUT, field(NAME, new TextEncoder().encode(tensor))));
  return joined([model, field(GRAPH, joined(outputs))]);
}

/** @param {Uint8Array} message @param {number} number */
function texts(message, number) {
  return Array.from(within(message, number), (content) => new TextDecoder().decode(content));
}

/**
 * The contents of all fields of one number.
 * @param {Uint8Array} message
 * @param {number} wanted
 */
function* within(message, wanted) {
  let at = 0;
  function varint() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      value += (byte & 127) * scale;
      if (!(byte >= 128)) return value;
    }
  }
  while (at < message.length) {
    const tag = varint();
    const kind = tag % 8;
    const size = kind === WITH_LENGTH ? varint() : (FIXED[kind] ?? 0);
    if (kind === VARINT) varint();
    if (Math.floor(tag / 8) === wanted && kind === WITH_LENGTH) yield message.subarray(at, at + size);
    at += size;
  }
}

/** @param {number} number @param {Uint8Array} content */
function field(number, content) {
  const head = [8 * number + WITH_LENGTH];
  let length = content.length;
  for (; length >= 128; length = Math.floor(length / 128)) head.push((length % 128) + 128);
  return joined([Uint8Array.from([...head, length]), content]);
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
