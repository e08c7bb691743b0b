// A classifier's file: images of its size in, an answer for each out.
import { wantsInk } from "./ink.js";
import { floats, session, tensor } from "./runtime.js";

/** @import { Answer, Classifier, Picture, ServedModel } from "./types.d.ts" */

const NONE = "none"; // the label of what is nothing that the model knows

/**
 * Open a model file.
 * @param {Uint8Array} model
 * @param {ServedModel} served
 * @returns {Promise<Classifier>}
 */
export async function classifier(model, { card, batch_dependent }) {
  const opened = await session(model);
  const { height, width, channels } = card.input;
  const classes = card.labels.length;

  /**
   * Return an answer for each image, all of the model's size.
   * @param {Picture[]} images
   */
  async function classify(images) {
    if (images.length === 0) return [];
    if (!batch_dependent) return classifyBatch(images);
    /** @type {Answer[]} */
    const answers = [];
    for (const image of images) answers.push(...(await classifyBatch([image])));
    return answers;
  }

  /** @param {Picture[]} images */
  async function classifyBatch(images) {
    const pixels = new Uint8Array(images.length * height * width * channels);
    for (const [index, image] of images.entries()) pixels.set(image.pixels, index * image.pixels.length);
    const image = tensor(pixels, [images.length, height, width, channels]);
    const data = floats((await opened.run({ image }, ["probabilities"])).probabilities);
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

  /** @param {Answer} answer */
  const known = ({ label }) => label !== NONE;
  return { card, classify, answer, known, hasNone: card.labels.includes(NONE), wantsInk: wantsInk(card) };
}
