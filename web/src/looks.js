// A large picture looked at closely, as edgecnn/digits/looks.py does it: a detector sees a frame at 640 pixels at most,
// so that of larger ones small digits are lost; parts of the frame follow the whole, down to its pixels. Digits that fill a
// frame are looked for from farther away.
//
// Numbers are rounded to float32 where Python has them so: what lies near to a border is decided alike.
import { crop } from "./pixels.js";
import { reduced } from "./signs.js";

/** @import { Box, Detect, Found, Look, Looking, Picture } from "./types.d.ts" */

const NATIVE = 640; // pixels, of the longer side that a detector takes as it is
const STEP = 2.5; // between the sizes of levels
const OVERLAP = 0.25; // of a tile
const ASPECT = 0.75; // of a tile: height by width, as of a camera's frame
const CUT = 0.01; // of a tile's side: what lies nearer to its border is cut off
const SAME = 0.5; // intersection over union, of one digit seen in two tiles
const FLAT = 16; // levels between the darkest and the lightest pixel of a part of a frame that shows nothing
const CLOSE_TO = 1.01; // the finest level: a hundredth more is no reason to look again
export const WELL_SEEN = 24; // pixels at the scale of a look, of a digit that is not made up of smaller ones
const FAR = 320; // pixels, of the longer side of a frame as it is seen from farther away
const FILLS = 0.25; // of a frame's shorter side: a digit that is as high is looked for from there

/**
 * Return what to look at: the whole frame, that from farther away, then tiles of smaller and smaller size. ``detail`` is
 * how finely: 1 down to pixels as they are, 0.5 down to half as many a side, 0 the whole frame alone.
 * @param {number} width
 * @param {number} height
 * @param {number} detail
 */
export function looks(width, height, detail) {
  /** @type {Look[]} */
  const result = [{ left: 0, top: 0, width, height, away: 1 }];
  if (detail > 0 && Math.min(width, height) > 1 && Math.max(width, height) > FAR) {
    const away = Math.min(Math.ceil(Math.max(width, height) / FAR), width, height);
    result.push({ left: 0, top: 0, width, height, away });
  }
  const finest = detail > 0 ? NATIVE / detail : Infinity;
  let side = Math.max(width, height) / STEP;
  while (side * STEP > finest * CLOSE_TO) {
    const tile = Math.max(side, finest);
    const wide = toEven(width >= height ? tile : tile * ASPECT);
    const tall = toEven(width >= height ? tile * ASPECT : tile);
    for (const top of starts(height, tall)) {
      for (const left of starts(width, wide)) {
        result.push({ left, top, width: Math.min(wide, width), height: Math.min(tall, height), away: 1 });
      }
    }
    side = tile / STEP;
  }
  return result;
}

/** How many pixels of the frame are one of those that the detector sees. @param {Look} look */
export function scaleOf({ width, height, away }) {
  return Math.fround(away * Math.max(1, Math.max(width, height) / away / NATIVE));
}

/**
 * Have a detector look at a gray frame as ``looks`` says, and put together what it finds, best first. ``looked(done, all)``
 * is told before each look and at the end, and ends it all by returning false: then there is nothing, null.
 * @param {Picture} gray
 * @param {number} detail
 * @param {Detect} detect
 * @param {Looking} [looked]
 * @returns {Promise<Found[] | null>}
 */
export async function detectClosely(gray, detail, detect, looked = () => true) {
  const [whole, ...closer] = looks(gray.width, gray.height, detail);
  const all = [whole, ...closer.filter((look) => shows(gray, look))];
  /** @type {Found[]} */
  const found = [];
  for (const [index, look] of all.entries()) {
    if (!looked(index, all.length)) return null;
    found.push(...(await seen(gray, look, detect)));
  }
  if (!looked(all.length, all.length)) return null;
  return all.length === 1 ? found : eachOnce(found);
}

/**
 * What was detected in one part of a frame and is not cut off by its border, in pixels of the frame.
 * @param {Picture} gray
 * @param {Look} look
 * @param {Detect} detect
 * @returns {Promise<Found[]>}
 */
async function seen(gray, look, detect) {
  const { away, width: wide, height: high } = look;
  const isWhole = wide === gray.width && high === gray.height;
  const detections = await detect(away > 1 ? fromAfar(gray, away) : isWhole ? gray : crop(gray, look));
  const scale = scaleOf(look);
  const least = away > 1 ? Math.fround(FILLS * Math.min(wide, high)) : 0;
  return detections
    .map(({ box, ...rest }) => ({ ...rest, box: /** @type {Box} */ (box.map((side) => Math.fround(side * away))) }))
    .filter(({ box }) => !cuts(gray, look, box) && box[3] >= least)
    .map(({ box: [x, y, width, height], ...rest }) => ({
      ...rest,
      box: [Math.fround(x + look.left), Math.fround(y + look.top), width, height],
      scale,
    }));
}

/** A frame of which so many pixels a side are one, by their mean. @param {Picture} gray @param {number} away @returns {Picture} */
function fromAfar(gray, away) {
  const { high, wide, at } = reduced(gray, away);
  const pixels = Uint8Array.from(
    { length: high * wide },
    (_, index) => at(Math.floor(index / wide), index % wide) + 0.5,
  );
  return { ...gray, pixels, height: high, width: wide };
}

/**
 * Keep one of those that are the same digit. Where it is seen well, the look is best that shows most of what is around.
 * @param {Found[]} found
 */
function eachOnce(found) {
  /** @param {Found} one */
  const well = ({ box, scale }) => box[3] >= Math.fround(WELL_SEEN * scale);
  const order = [...found].sort((one, other) => {
    if (well(one) !== well(other)) return well(one) ? -1 : 1;
    return (well(one) && other.scale - one.scale) || other.score - one.score;
  });
  /** @type {Found[]} */
  const kept = [];
  for (const one of order) {
    if (!kept.some((other) => overlap(one.box, other.box) >= SAME)) kept.push(one);
  }
  const chosen = new Set(kept);
  return found.filter((one) => chosen.has(one)).sort((one, other) => other.score - one.score);
}

/**
 * Tell whether a box, in a look's own pixels, touches a border of it that is not the frame's.
 * @param {Picture} gray
 * @param {Look} look
 * @param {Box} box
 */
function cuts(gray, look, [x, y, width, height]) {
  const near = CUT * Math.max(look.width, look.height);
  const low = Math.fround(near);
  return (
    (look.left > 0 && x < low) ||
    (look.top > 0 && y < low) ||
    (look.left + look.width < gray.width && Math.fround(x + width) > look.width - near) ||
    (look.top + look.height < gray.height && Math.fround(y + height) > look.height - near)
  );
}

/** Tell whether there is anything to see in a part of a frame. @param {Picture} gray @param {Look} look */
function shows({ pixels, width }, look) {
  let [least, most] = [255, 0];
  for (let y = look.top; y < look.top + look.height; y += 1) {
    for (let index = y * width + look.left; index < y * width + look.left + look.width; index += 1) {
      least = Math.min(least, pixels[index]);
      most = Math.max(most, pixels[index]);
    }
    if (most - least >= FLAT) return true;
  }
  return false;
}

/**
 * Where tiles begin along a side: evenly, the first and the last at its ends, overlapping enough.
 * @param {number} side
 * @param {number} tile
 */
function starts(side, tile) {
  if (tile >= side) return [0];
  const count = Math.ceil((side - tile) / (tile * (1 - OVERLAP))) + 1;
  const step = (side - tile) / (count - 1);
  return Array.from({ length: count }, (_, index) => (index === count - 1 ? side - tile : toEven(index * step)));
}

/** Round as Python does, halves to the even neighbor. @param {number} value */
export function toEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** Intersection over union. @param {Box} one @param {Box} other */
function overlap([x, y, width, height], [left, top, wide, high]) {
  const across = Math.min(x + width, left + wide) - Math.max(x, left);
  const down = Math.min(y + height, top + high) - Math.max(y, top);
  if (across <= 0 || down <= 0) return 0;
  const common = across * down;
  return common / Math.max(width * height + wide * high - common, 1e-6);
}
