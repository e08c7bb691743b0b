// From a picture of any size to the model's input, as edgecnn/runtime/image.py does it: center crop, color, triangle
// filter. An image is { pixels, height, width, channels }: bytes in rows from the top left, colors together.

/** @import { Frame, Input, Picture, Size, Window } from "./types.d.ts" */

const [WHITE, BLACK] = [255, 0];
const STRIP_PIXELS = 2 ** 20; // of a frame that are taken at once
const [UNSEEN, SEEN] = [30, 64]; // what is so near to white is not seen on it; what differs so in opacity is drawn

/**
 * Lay a frame of RGBA, as a canvas gives it, over white, or black where white hides all of it: an image of 1 or 3
 * channels. It is taken strip by strip, so that a large one is never there in RGBA as a whole; between strips others have
 * their turn.
 * @param {Frame} frame
 * @param {number} channels
 * @returns {Promise<Picture>}
 */
export async function opaque(frame, channels) {
  const { height, width } = frame;
  const strip = Math.max(1, Math.floor(STRIP_PIXELS / width));
  const picture = { pixels: new Uint8Array(height * width * channels), height, width, channels };
  let [least, most, hidden] = [255, 0, true];
  for (const paper of [WHITE, BLACK]) {
    for (let top = 0; top < height; top += strip) {
      if (top > 0) await turn();
      const data = frame.rows(top, Math.min(strip, height - top));
      for (let index = 3; index < data.length; index += 4) {
        least = Math.min(least, data[index]);
        most = Math.max(most, data[index]);
      }
      const darkest = over(data, paper, picture, top * width);
      hidden = hidden && darkest >= WHITE - UNSEEN;
    }
    if (!hidden || most - least < SEEN) break;
  }
  return picture;
}

/** Let what waits have its turn: a painting, a click. */
function turn() {
  return new Promise((resolve) => setTimeout(resolve));
}

/**
 * Lay RGBA over a paper, into an image from its pixel ``first`` on. Returns the least value of a color.
 * @param {Uint8ClampedArray} data
 * @param {number} paper
 * @param {Picture} picture
 * @param {number} first
 */
function over(data, paper, { pixels, channels }, first) {
  let darkest = WHITE;
  for (let from = 0, to = first * channels; from < data.length; from += 4, to += channels) {
    const alpha = data[from + 3];
    const rest = paper * (255 - alpha) + 127;
    const red = ((data[from] * alpha + rest) / 255) | 0;
    const green = ((data[from + 1] * alpha + rest) / 255) | 0;
    const blue = ((data[from + 2] * alpha + rest) / 255) | 0;
    darkest = Math.min(darkest, red, green, blue);
    if (channels === 1) {
      pixels[to] = gray(red, green, blue);
    } else {
      pixels[to] = red;
      pixels[to + 1] = green;
      pixels[to + 2] = blue;
    }
  }
  return darkest;
}

/** ITU-R BT.601. @param {number} red @param {number} green @param {number} blue */
function gray(red, green, blue) {
  return (299 * red + 587 * green + 114 * blue + 500) / 1000;
}

/**
 * Gray is (299 R + 587 G + 114 B + 500) / 1000 rounded down, ITU-R BT.601; RGB from gray repeats it.
 * @param {Picture} image
 * @param {number} channels
 */
export function withChannels(image, channels) {
  if (image.channels === channels) return image;
  const count = image.height * image.width;
  const pixels = new Uint8Array(count * channels);
  for (let index = 0; index < count; index += 1) {
    if (channels === 3) {
      pixels.fill(image.pixels[index], 3 * index, 3 * index + 3);
    } else {
      const [red, green, blue] = image.pixels.subarray(3 * index, 3 * index + 3);
      pixels[index] = gray(red, green, blue);
    }
  }
  return { ...image, pixels, channels };
}

/**
 * The largest centered window that has the aspect ratio of height x width.
 * @param {Size} image
 * @param {number} height
 * @param {number} width
 * @returns {Window}
 */
export function centerWindow(image, height, width) {
  const tall = Math.min(image.height, Math.max(1, Math.floor((image.width * height) / width)));
  const wide = Math.min(image.width, Math.max(1, Math.floor((image.height * width) / height)));
  return { left: (image.width - wide) >> 1, top: (image.height - tall) >> 1, width: wide, height: tall };
}

/**
 * Cut a window out.
 * @param {Picture} image
 * @param {Window} window
 * @returns {Picture}
 */
export function crop(image, { left, top, width, height }) {
  const row = width * image.channels;
  const pixels = new Uint8Array(height * row);
  for (let y = 0; y < height; y += 1) {
    const start = ((top + y) * image.width + left) * image.channels;
    pixels.set(image.pixels.subarray(start, start + row), y * row);
  }
  return { ...image, pixels, height, width };
}

/**
 * Scale by a triangle filter whose support grows with the reduction; rows, then columns, in float32, rounded half up.
 *
 * Sums grow one term after the other, each rounded to float32 once, as a fused multiply-add does: where the exact value
 * is a half, those last bits decide, and this is how NumPy's matrix product comes to them on most machines.
 * @param {Picture} image
 * @param {number} height
 * @param {number} width
 * @returns {Picture}
 */
export function resize(image, height, width) {
  if (image.height === height && image.width === width) return image;
  const { channels } = image;
  const row = image.width * channels;
  const tall = new Float32Array(height * row);
  weights(image.height, height).forEach(({ first, values }, y) => {
    for (let x = 0; x < row; x += 1) {
      let sum = 0;
      for (let index = 0; index < values.length; index += 1) {
        sum = Math.fround(sum + values[index] * image.pixels[(first + index) * row + x]);
      }
      tall[y * row + x] = sum;
    }
  });
  const pixels = new Uint8Array(height * width * channels);
  weights(image.width, width).forEach(({ first, values }, x) => {
    for (let y = 0; y < height; y += 1) {
      for (let color = 0; color < channels; color += 1) {
        let sum = 0;
        for (let index = 0; index < values.length; index += 1) {
          sum = Math.fround(sum + values[index] * tall[y * row + (first + index) * channels + color]);
        }
        const rounded = Math.floor(Math.fround(sum + 0.5));
        pixels[(y * width + x) * channels + color] = Math.min(255, Math.max(0, rounded));
      }
    }
  });
  return { pixels, height, width, channels };
}

/**
 * Turn an image of any size into the model's.
 * @param {Picture} image
 * @param {Input} input
 */
export function toInput(image, { height, width, channels }) {
  const cut = crop(image, centerWindow(image, height, width));
  return resize(withChannels(cut, channels), height, width);
}

/**
 * For each target pixel the first source pixel that counts and the weights from there on, which sum to one.
 * @param {number} source
 * @param {number} target
 */
function weights(source, target) {
  const scale = source / target;
  const support = Math.max(scale, 1);
  return Array.from({ length: target }, (_, index) => {
    const center = (index + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - support));
    const last = Math.min(source, Math.ceil(center + support));
    const triangle = Array.from({ length: last - first }, (_, place) =>
      Math.max(0, 1 - Math.abs(first + place + 0.5 - center) / support),
    );
    const total = triangle.reduce((sum, value) => sum + value);
    return { first, values: Float32Array.from(triangle, (value) => value / total) };
  });
}
