// The feature maps of an image: what each convolution of the model gives, out of the model file.
import { session, tensor } from "./runtime.js";
import { layers, tapped } from "./tap.js";

/** @import { Maps, Picture } from "./types.d.ts" */

/**
 * Open a model file a second time, with its layers' activations as outputs; the answer stays that of the file as it is.
 * @param {Uint8Array} model
 */
export async function featureMaps(model) {
  const found = layers(model);
  const tensors = found.map((layer) => layer.tensor);
  const opened = await session(tapped(model, tensors));

  /**
   * Return the maps of each layer.
   * @param {Picture} image
   * @returns {Promise<Maps[]>}
   */
  return async ({ pixels, height, width, channels }) => {
    const outputs = await opened.run({ image: tensor(pixels, [1, height, width, channels]) }, tensors);
    return found.map((layer) => {
      const { dims, data } = outputs[layer.tensor];
      const [, planes, high, wide] = dims;
      const values = /** @type {ArrayLike<number>} */ (data);
      return { operator: layer.operator, values, channels: planes, height: high, width: wide };
    });
  };
}
