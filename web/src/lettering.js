// Digits that are letters, the O of TOTAL, the l of a word, as edgecnn/digits/lettering.py has them: what stands beside a
// digit tells, not its own shape. Lengths are in heights of the digits of a run.
import { toEven } from "./looks.js";
import { FINE, interpolated, LEAST_CONTRAST, levelsOf, median, reduced, scaleOf } from "./signs.js";

/** @import { Box, Picture } from "./types.d.ts" */
/** @import { Gray } from "./signs.js" */
/** @typedef {{ begin: number, end: number, letters: number, digits: number[] }} Character */
/** @typedef {{ inked: Uint8Array, rows: number, count: number, start: number }} Strip */

const BAND = 0.65; // what is looked at above and below the middle of the digits
const REACH = 3.5; // and to either side of them
const SAME_RUN = 4; // heights between digits that are looked at together
const ALIKE = 1.6; // at most between their heights
const INK = 0.45;
const RULED = 0.8; // of a strip's columns: a row that is inked in so many is a line beneath
const OWN = 0.5; // of a character's width: it is the digit that covers so much of it
const [LOW, NARROW, LETTER] = [0.45, 0.08, 0.75]; // the least height and width of a letter, and the width of one
const GAP = 0.42; // within a word
const LIKE_LETTERS = "01";
const UNLIKE = 2; // for how many of these another digit counts
const [FEW, MORE] = [2, 2]; // digits of a word in which such a one is a letter, and letters that it has more
const AROUND = 3; // letters beside a single digit

/**
 * Tell which digits, in lines, are letters of words.
 * @param {Picture} gray
 * @param {Box[]} boxes
 * @param {string[]} labels
 * @param {number[][]} lines
 */
export function inWords(gray, boxes, labels, lines) {
  /** @type {Set<number>} */
  const found = new Set();
  for (const run of lines.flatMap((line) => runsOf(boxes, line))) {
    const height = median(run.map((index) => boxes[index][3]));
    const strip = stripOf(reduced(gray, scaleOf(height)), boxes, run, height);
    for (const word of strip ? wordsOf(charactersOf(strip, boxes, run, height)) : []) {
      for (const index of lettersOf(word, labels)) found.add(index);
    }
  }
  return boxes.map((_, index) => found.has(index));
}

/** Cut a line of digits where they are far apart, or of other sizes. @param {Box[]} boxes @param {number[]} line */
function runsOf(boxes, line) {
  /** @type {number[][]} */
  const runs = [];
  for (const index of line) {
    const [x, , , height] = boxes[index];
    const [left, , width, high] = boxes[runs.at(-1)?.at(-1) ?? index];
    const near = x - left - width <= SAME_RUN * height && Math.max(high, height) <= ALIKE * Math.min(high, height);
    if (runs.length && near) runs[runs.length - 1].push(index);
    else runs.push([index]);
  }
  return runs;
}

/**
 * Sample what is along a run of digits, as what is ink and what is not.
 * @param {Gray} gray
 * @param {Box[]} boxes
 * @param {number[]} run
 * @param {number} height
 * @returns {Strip | null}
 */
function stripOf(gray, boxes, run, height) {
  const own = run.map((index) => boxes[index]);
  const levels = own.map((box) => levelsOf(gray, box));
  const isFaint = levels.some(([, contrast]) => Math.abs(contrast) < LEAST_CONTRAST);
  if (isFaint || levels.some(([, contrast]) => contrast > 0 !== levels[0][1] > 0)) return null;
  const start = own[0][0] - REACH * height;
  const [x, , width] = own[own.length - 1];
  const count = Math.trunc(((x + width + REACH * height - start) / height) * FINE);
  const rows = Math.trunc(2 * BAND * FINE);
  const [high, wide] = [gray.high * gray.scale, gray.wide * gray.scale];
  const middles = own.map((box) => box[0] + box[2] / 2);
  const centers = own.map((box) => box[1] + box[3] / 2);
  const [papers, contrasts] = [0, 1].map((place) => levels.map((level) => level[place]));
  const inked = new Uint8Array(rows * count);
  for (let column = 0; column < count; column += 1) {
    const across = start + (column + 0.5) * (height / FINE);
    const [paper, contrast] = [between(across, middles, papers), between(across, middles, contrasts)];
    const line = along(across, middles, centers);
    for (let row = 0; row < rows && across >= 0 && across < wide; row += 1) {
      const down = line + ((row + 0.5) / FINE - BAND) * height;
      const isInk = (interpolated(gray, across, down) - paper) / contrast > INK;
      inked[row * count + column] = Number(isInk && down >= 0 && down < high);
    }
  }
  for (let row = 0; row < rows; row += 1) {
    const all = inked.subarray(row * count, (row + 1) * count);
    if (all.reduce((sum, one) => sum + one, 0) / count > RULED) all.fill(0);
  }
  return { inked, rows, count, start };
}

/** Linearly between points, and as at the ends beyond. @param {number} at @param {number[]} x @param {number[]} y */
function between(at, x, y) {
  const last = x.length - 1;
  if (at >= x[last]) return y[last];
  if (at < x[0]) return y[0];
  const after = x.findIndex((one) => at < one);
  const slope = (y[after] - y[after - 1]) / (x[after] - x[after - 1]);
  return slope * (at - x[after - 1]) + y[after - 1];
}

/** Where the middle of a line is: through its digits, and on as it was. @param {number} at @param {number[]} x @param {number[]} y */
function along(at, x, y) {
  const last = x.length - 1;
  if (last === 0) return y[0];
  const slope = (y[last] - y[0]) / Math.max(x[last] - x[0], 1e-6);
  return between(at, x, y) + slope * (Math.min(at - x[0], 0) + Math.max(at - x[last], 0));
}

/**
 * Cut a strip into characters where columns have no ink; null is a border between them.
 * @param {Strip} strip
 * @param {Box[]} boxes
 * @param {number[]} run
 * @param {number} height
 * @returns {(Character | null)[]}
 */
function charactersOf(strip, boxes, run, height) {
  const sides = run.map((index) => {
    const [x, , width] = boxes[index];
    return { index, from: (x - strip.start) / height, to: (x + width - strip.start) / height };
  });
  /** @type {(Character | null)[]} */
  const found = [];
  for (const { begin, end, top, bottom } of inkOf(strip)) {
    const shared = sides.map(({ index, from, to }) => {
      const share = Math.min(to, end) - Math.max(from, begin);
      return { index, share, isOwn: share > OWN * Math.min(to - from, end - begin) };
    });
    const own = shared.filter(({ isOwn }) => isOwn);
    const beside = end - begin - own.reduce((sum, { share }) => sum + share, 0);
    const digits = own.map(({ index }) => index);
    if (digits.length) found.push({ begin, end, letters: toEven(beside / LETTER), digits });
    else if (top === 0 && bottom === strip.rows) found.push(null);
    else if (bottom - top >= LOW * FINE && end - begin >= NARROW) {
      found.push({ begin, end, letters: Math.max(1, toEven((end - begin) / LETTER)), digits });
    }
  }
  return found;
}

/** Where ink begins and ends, and its first row and the one after its last. @param {Strip} strip */
function inkOf({ inked, rows, count }) {
  const found = [];
  /** @param {number} column */
  const rowsOf = (column) => Array.from({ length: rows }, (_, row) => row).filter((row) => inked[row * count + column]);
  let [first, top, bottom] = [-1, rows, 0];
  for (let column = 0; column <= count; column += 1) {
    const here = column < count ? rowsOf(column) : [];
    if (here.length) {
      if (first < 0) [first, top, bottom] = [column, rows, 0];
      [top, bottom] = [Math.min(top, here[0]), Math.max(bottom, here[here.length - 1] + 1)];
    } else if (first >= 0) {
      found.push({ begin: first / FINE, end: column / FINE, top, bottom });
      first = -1;
    }
  }
  return found;
}

/** Join characters over narrow gaps. @param {(Character | null)[]} characters */
function wordsOf(characters) {
  /** @type {Character[][]} */
  const words = [[]];
  for (const character of characters) {
    const last = words[words.length - 1].at(-1);
    if (!character || (last && character.begin - last.end > GAP)) words.push([]);
    if (character) words[words.length - 1].push(character);
  }
  return words;
}

/** Which digits of a word are letters. @param {Character[]} word @param {string[]} labels */
function lettersOf(word, labels) {
  const letters = word.reduce((sum, each) => sum + each.letters, 0);
  const all = word.flatMap(({ digits }) => digits);
  /** @param {number} index */
  const isAlike = (index) => LIKE_LETTERS.includes(labels[index]);
  const alike = all.filter(isAlike).length;
  const likely = letters > alike + UNLIKE * (all.length - alike);
  const others = all.length <= FEW && letters >= all.length + MORE;
  const inside = beside(word).flatMap(({ digits, before, after }) => (before && after ? digits : []));
  const found = inside.filter((index) => (isAlike(index) ? likely : others));
  const rest = word.map((each) => (each.digits.some((index) => found.includes(index)) ? lettered(each) : each));
  const left = beside(rest).filter(({ digits }) => digits.length);
  if (left.length !== 1) return found;
  const [{ digits, before, after }] = left;
  const isOne = digits.length === 1 && isAlike(digits[0]) && Math.max(before, after) >= AROUND;
  return isOne ? [...found, ...digits] : found;
}

/** How many letters are before and after each character of a word. @param {Character[]} word */
function beside(word) {
  const all = word.reduce((sum, { letters }) => sum + letters, 0);
  let passed = 0;
  return word.map(({ letters, digits }) => {
    const [before, after] = [passed, all - passed - letters];
    passed += letters;
    return { digits, before, after };
  });
}

/** A character whose digits are letters. @param {Character} character @returns {Character} */
function lettered(character) {
  return { ...character, letters: character.letters + character.digits.length, digits: [] };
}
