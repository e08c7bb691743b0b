// Light ink on black, for models that know nothing else: what was drawn, and what a detector cropped from any paper.
import { crop, resize } from "./pixels.js";

/** @import { Box, Card, Input, Picture, Window } from "./types.d.ts" */

export const SIDE = 28;
const BOX = 20;
const INK_FROM = Math.fround(0.15); // of the strongest contrast in a crop: paper below
const INK_SPAN = Math.fround(0.85 - 0.15); // and ink above 0.85 of it
const LEAST_CONTRAST = 30; // gray levels; a crop of nothing stays nothing

/**
 * Tell whether a model knows light ink on black alone: the borders of its golden images are black.
 * @param {Card} card
 */
export function wantsInk({ input, golden }) {
  const bytes = Uint8Array.from(atob(golden.images_nhwc.base64), (character) => character.charCodeAt(0));
  const size = input.height * input.width * input.channels;
  /** @param {number} index */
  const paper = (index) => median(border({ ...input, pixels: bytes.subarray(index * size, (index + 1) * size) }));
  return Array.from({ length: bytes.length / size }, (_, index) => paper(index)).every((value) => value === 0);
}

/**
 * Turn a gray crop of ink on any paper into light ink on black, as edgecnn/digits/ink.py does it in float32.
 * @param {Picture} image
 */
export function inkAlone(image) {
  const paper = median(border(image));
  const contrast = Float32Array.from(image.pixels, (value) => Math.abs(value - paper));
  const strongest = contrast.reduce((most, value) => Math.max(most, value), LEAST_CONTRAST);
  const pixels = Uint8Array.from(contrast, (value) => {
    const share = Math.fround(Math.fround(Math.fround(value / strongest) - INK_FROM) / INK_SPAN);
    return Math.fround(Math.fround(Math.min(1, Math.max(0, share)) * 255) + 0.5);
  });
  return { ...image, pixels };
}

/**
 * What was drawn as MNIST has it (LeCun et al. 1998): the ink fitted into 20x20 keeping its aspect, anti-aliased, and
 * its center of mass placed at the center of 28x28. Takes a gray image, ink above 0; null where there is no ink.
 * @param {Picture} image
 */
export function fitInk(image) {
  const ink = boundsOfInk(image);
  if (ink === null) return null;
  const scale = BOX / Math.max(ink.width, ink.height);
  const small = resize(
    crop(image, ink),
    Math.max(1, Math.round(ink.height * scale)),
    Math.max(1, Math.round(ink.width * scale)),
  );
  const mass = centerOfMass(small);
  const left = placed(mass.x, small.width);
  const top = placed(mass.y, small.height);
  const pixels = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < small.height; y += 1) {
    pixels.set(small.pixels.subarray(y * small.width, (y + 1) * small.width), (top + y) * SIDE + left);
  }
  return { pixels, height: SIDE, width: SIDE, channels: 1 };
}

/**
 * The offset that brings the mass to the center, as far as all the ink stays inside.
 * @param {number} mass
 * @param {number} size
 */
function placed(mass, size) {
  return Math.min(SIDE - size, Math.max(0, Math.round(SIDE / 2 - mass)));
}

/** @param {Picture} image @returns {Window | null} */
function boundsOfInk({ pixels, height, width }) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (pixels[y * width + x] === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** @param {Picture} image */
function centerOfMass({ pixels, height, width }) {
  let [mass, x, y] = [0, 0, 0];
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const value = pixels[row * width + column];
      mass += value;
      x += value * (column + 0.5);
      y += value * (row + 0.5);
    }
  }
  return mass === 0 ? { x: width / 2, y: height / 2 } : { x: x / mass, y: y / mass };
}

/**
 * The outermost pixels, the corners of the first and last row once.
 * @param {Picture} image
 */
function border({ pixels, height, width, channels }) {
  const row = width * channels;
  const middle = Array.from({ length: height - 2 }, (_, index) => (index + 1) * row).flatMap((start) => [
    ...pixels.subarray(start, start + channels),
    ...pixels.subarray(start + row - channels, start + row),
  ]);
  return [...pixels.subarray(0, row), ...pixels.subarray((height - 1) * row, height * row), ...middle];
}

/** @param {number[]} values */
function median(values) {
  const sorted = Uint8Array.from(values).sort();
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
