// A canvas and the model's pixels: RGBA in rows on one side, gray or RGB on the other.

/** @typedef {{ height: number, width: number, channels: number }} Input */

/**
 * Paint a picture of the model's size.
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} pixels
 * @param {Input} input
 */
export function paint(canvas, pixels, { height, width, channels }) {
  canvas.width = width;
  canvas.height = height;
  const context = contextOf(canvas);
  const picture = context.createImageData(width, height);
  for (let index = 0; index < height * width; index += 1) {
    for (let color = 0; color < 3; color += 1) {
      picture.data[4 * index + color] = pixels[channels * index + (channels === 1 ? 0 : color)];
    }
    picture.data[4 * index + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

/**
 * Read a canvas of the model's size; gray is 0.299 red + 0.587 green + 0.114 blue, rounded.
 * @param {HTMLCanvasElement} canvas
 * @param {Input} input
 */
export function pixelsOf(canvas, { height, width, channels }) {
  const { data } = contextOf(canvas).getImageData(0, 0, width, height);
  const pixels = new Uint8Array(height * width * channels);
  for (let index = 0; index < height * width; index += 1) {
    const [red, green, blue] = data.subarray(4 * index, 4 * index + 3);
    if (channels === 1) pixels[index] = Math.floor((299 * red + 587 * green + 114 * blue + 500) / 1000);
    else pixels.set([red, green, blue], 3 * index);
  }
  return pixels;
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser paints on no canvas");
  return context;
}
