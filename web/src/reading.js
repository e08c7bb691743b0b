// Boxes in the order in which a page is read, as edgecnn/digits/order.py has it, and the text that they make.
//
// Of slopes up to 19 degrees the one is taken that gives few lines with little spread: a line more weighs as much as a
// slope of 0.2, or as digits that are off their lines by one height in all.

import { WELL_SEEN } from "./looks.js";
import { BLANK, median } from "./signs.js";

/** @import { Box, Sign } from "./types.d.ts" */

const STEEPEST = 14; // steps of 0.025 to either side
const SLOPES = Array.from({ length: 2 * STEEPEST + 1 }, (_, index) => (index - STEEPEST) * 0.025) // the flattest first,
  .sort((one, other) => Math.abs(one) - Math.abs(other)); // so that it wins a tie
const SLOPE_COST = 5; // in lines, of a slope of 1
const LINE_GAP = 0.5; // in typical heights, between the centers of neighboring lines at least
const WORD_GAP = 1.5; // in typical widths
const INSIDE = 0.8; // of a box that is a part of another
const APART = 2; // how much nearer to the digit after it a sign is that does not join it to the one before
const NARROWEST = 0.6; // of the height: a row of ones is no row of words

/**
 * Return the lines from top to bottom, each the indices of boxes from left to right.
 * @param {Box[]} boxes
 * @returns {number[][]}
 */
export function readingOrder(boxes) {
  if (boxes.length === 0) return [];
  const height = median(boxes.map((box) => box[3]));
  const [x, y] = [0, 1].map((axis) => {
    const centers = boxes.map((box) => box[axis] + box[axis + 2] / 2);
    const least = Math.min(...centers);
    return centers.map((center) => center - least);
  });
  const tries = SLOPES.map((slope) => linesAlong(slope, x, y, LINE_GAP * height));
  const costs = tries.map(
    ({ slope, lines, spread }) => spread / Math.max(height, 1e-6) + lines.length + SLOPE_COST * Math.abs(slope),
  );
  const { slope, lines } = tries[costs.indexOf(Math.min(...costs))];
  /** @param {number} index */
  const along = (index) => x[index] + slope * y[index];
  return lines.map((line) => line.sort((one, other) => along(one) - along(other) || y[one] - y[other]));
}

/**
 * Join labels as they are read: a newline between lines, a space where a gap is wider than 1.5 digits or blank. Signs
 * stand before the digits that they name, and bridge a gap unless they are twice as near to its end.
 * @param {string[]} labels
 * @param {Box[]} boxes
 * @param {number[][]} lines
 * @param {Sign[]} [signs]
 */
export function textOf(labels, boxes, lines, signs = []) {
  const byDigit = new Map(signs.map((sign) => [sign.before, sign]));
  return lines.map((line) => lineText(labels, boxes, line, byDigit)).join("\n");
}

/**
 * Tell which boxes lie inside one that is surer, or around a surer one of the same label: edgecnn/digits/nested.py.
 * ``sure`` is 0 for what is no digit, ``scales`` how many pixels were one where it was seen: inside a digit that was
 * seen well, what only a closer look shows is a part of it, however sure.
 * @param {Box[]} boxes
 * @param {number[]} sure
 * @param {string[]} labels
 * @param {number[]} scales
 */
export function parts(boxes, sure, labels, scales) {
  /** @param {number} whole @param {number} part */
  const common = (whole, part) => {
    const [[left, top, wide, high], [x, y, width, height]] = [boxes[whole], boxes[part]];
    const across = Math.min(left + wide, x + width) - Math.max(left, x);
    const down = Math.min(top + high, y + height) - Math.max(top, y);
    return Math.max(across, 0) * Math.max(down, 0);
  };
  const area = boxes.map(([, , width, height]) => width * height);
  const well = boxes.map((box, index) => sure[index] > 0 && box[3] >= Math.fround(WELL_SEEN * scales[index]));
  /** @param {number} whole @param {number} part */
  const closer = (whole, part) =>
    well[whole] && scales[whole] > scales[part] && common(whole, part) >= INSIDE * area[part];
  return boxes.map((_, part) =>
    boxes.some((_, whole) => {
      const shared = common(whole, part);
      const within = shared >= INSIDE * area[part];
      const around = shared >= INSIDE * area[whole] && labels[whole] === labels[part];
      if (within && well[whole] && scales[whole] > scales[part]) return true;
      return sure[whole] > sure[part] && (within || around) && !closer(part, whole);
    }),
  );
}

/** @param {string[]} labels @param {Box[]} boxes @param {number[]} line @param {Map<number, Sign>} signs */
function lineText(labels, boxes, line, signs) {
  const [width, height] = [2, 3].map((side) => median(line.map((index) => boxes[index][side])));
  return line
    .map((index, place) => {
      const before = boxes[line[place - 1]];
      const gap = before ? boxes[index][0] - before[0] - before[2] : 0;
      const sign = signs.get(index);
      const wide = gap > WORD_GAP * Math.max(width, NARROWEST * height);
      const isBlank = sign?.label === BLANK;
      const space = isBlank || (wide && (!sign || isApart(sign, before, boxes[index])));
      return `${space ? " " : ""}${isBlank ? "" : (sign?.label ?? "")}${labels[index]}`;
    })
    .join("");
}

/**
 * Tell whether a sign belongs to the digit after it and not to the one before.
 * @param {Sign} sign
 * @param {Box} left
 * @param {Box} right
 */
function isApart({ box: [x, , width] }, left, right) {
  return x - left[0] - left[2] > APART * (right[0] - x - width);
}

/** @param {number} slope @param {number[]} x @param {number[]} y @param {number} gap */
function linesAlong(slope, x, y, gap) {
  const heights = y.map((value, index) => value - slope * x[index]);
  /** @type {number[][]} */
  const lines = [];
  let last = -Infinity;
  for (const index of heights.map((_, place) => place).sort((one, other) => heights[one] - heights[other])) {
    if (heights[index] - last > gap) lines.push([]);
    lines[lines.length - 1].push(index);
    last = heights[index];
  }
  let spread = 0;
  for (const line of lines) {
    const mean = line.reduce((sum, index) => sum + heights[index], 0) / line.length;
    for (const index of line) spread += Math.abs(heights[index] - mean);
  }
  return { slope, lines, spread };
}
