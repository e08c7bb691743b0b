// A detector's file: a gray frame of any size in, boxes, scores and crops out.
import { bytes, floats, session, tensor } from "./runtime.js";

/** @import { Detect, Detection, Picture } from "./types.d.ts" */

/**
 * Open a model file; what is returned detects: the box of each digit, in the frame's pixels, its score and its crop.
 * @param {Uint8Array} model
 * @returns {Promise<Detect>}
 */
export async function detector(model) {
  const opened = await session(model);

  /** @param {Picture} gray @returns {Promise<Detection[]>} */
  return async (gray) => {
    const frame = tensor(gray.pixels, [1, gray.height, gray.width, 1]);
    const { boxes, scores, crops } = await opened.run({ frame });
    const [count, height, width] = crops.dims;
    return Array.from({ length: count }, (_, index) => ({
      box: Array.from(floats(boxes).slice(index * 4, (index + 1) * 4)),
      score: floats(scores)[index],
      crop: {
        pixels: bytes(crops).slice(index * height * width, (index + 1) * height * width),
        height,
        width,
        channels: 1,
      },
    }));
  };
}
