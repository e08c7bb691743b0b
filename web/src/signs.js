// Points, commas, colons, minuses and spaces between digits, as edgecnn/digits/signs has them, to the last bit: what ink lies in
// the gap between two digits, where, and of what shape. Lengths are in heights of the digits beside a gap, and y is 0 at
// their tops and 1 at the line that they stand on.

/** @import { Box, Gap, Mark, Piece, Picture, Sample, Sign } from "./types.d.ts" */
/** @typedef {{ high: number, wide: number, scale: number, at: (row: number, column: number) => number }} Gray */

const [TOP, LOW] = [-0.3, 1.45]; // what is looked at
const WIDEST_GAP = 1.6;
const BEFORE = 1.55; // what is looked at in front of a number
const SAME_HEIGHT = 1.7; // at most between the heights of neighbors
const CLOSEST = 0.05; // the middles of neighbors
const WIDER = 0.21; // than most of its line, between boxes and between their middles: such a gap may be a space
const CELL = 0.5; // a digit that is narrower may stand at the right of a display's cell
const FEWEST_GAPS = 3; // of a line that tell what is usual in it
export const BLANK = " "; // nothing stands in a gap that is wider than others

export const FINE = 24; // samples per height
const ROWS = 42; // of them from TOP to LOW
const [FEWEST, MOST] = [3, 60]; // of them across
const CORE = 0.35; // of a digit's width: ink that reaches so far into its box is the digit's
export const LEAST_CONTRAST = 12; // gray levels between ink and paper
const AROUND = 0.08; // where the paper is looked at, outside a digit's box
const [GRID, SIDE] = [16, 12]; // samples along each side of a box, and of the paper around it
const DARKEST = 0.06; // of the samples of a box are ink at least
const SECOND_DIFFERENCE = 1.652; // the median of second differences of noise of deviation 1
const LEVELS = [0.2, 0.26, 0.33, 0.42, 0.52, 0.64]; // thresholds
const THIN = 0.35; // what is no higher and goes from side to side is a line

const LEAST_PEAK = 0.39; // of a piece's darkest sample
const NOISE = 4; // deviations of the noise, of the same
const SMALLEST = 0.006; // the area of a piece
const [FAINT, SPECK] = [0.5, 0.25]; // of the darkest peak, and of the largest area: what has less counts for nothing
const [AT_LEAST, AT_MOST, AT_MOST_INSIDE] = [0.28, 0.4, 0.6]; // a threshold by a peak, where it shows the shape
const TELLING = 0.55; // where it shows that best
const [LEFT, RIGHT] = [-0.14, 0.08]; // how far beyond the digits' boxes the middle of a sign lies
const [INSIDE_LEFT, INSIDE_RIGHT] = [-0.03, 0.02]; // and when it is clear of them
const [EMPTY_TOP, EMPTY_LOW] = [-0.1, 1.25]; // where nothing is in the middle of a space, half as wide as that
const STRANGE = 0.4; // what is higher and no sign: something else stands there
const AWAY = 0.75; // from the middle of a sign in front of a number to its first digit, at most
const [ALONE, ALONE_BELOW] = [0.35, 0.42]; // nothing is so near to the left of it that is so dark
const [ALONE_TOP, ALONE_LOW] = [0.15, 0.95];

const [FLAT, FLAT_HIGHEST] = [1.5, 0.4]; // a minus: width by height, and height
const FLAT_WIDE = [0.16, 0.74];
const FLAT_MIDDLE = [0.4, 0.86];
const [DOT, DOT_ENDS] = [0.36, 1.2]; // the largest point, and the lowest
const BEGINS = [0.58, 1.06]; // where a point or a comma begins,
const STANDS = [0.86, 1.44]; // and ends
const ROUND = 3; // their width by their height at most
const [COMMA_WIDEST, COMMA_HIGHEST, COMMA_ENDS] = [0.65, 1, 1]; // at least there: the bar of a display ends above
const [TAIL, BELOW] = [0.12, 0.7]; // what makes a comma of a point: higher than wide, leaning, and below the line
const [APART, BESIDE] = [[0.24, 0.85], 0.25]; // of a colon's points: one above the other, aside
const [COLON_TOP, COLON_LOW] = [0.04, [0.55, 1.2]];
const ALIKE = 0.39; // the smaller one's area by the larger one's
const [POINT_FLAT, POINT_HIGH] = [1.7, 1.9]; // of one: width by height, height by width

/**
 * Remember the signs of the last three frames: what ``shownAfter`` of them have at one place is there, by their majority.
 * @param {{ shownAfter: number }} options
 */
export function signMemory({ shownAfter }) {
  /** @type {Mark[][]} */
  let frames = [];

  /** Take one frame's signs, and return those that are shown. @param {Mark[]} found */
  return (found) => {
    frames = [found, ...frames.slice(0, 2)];
    /** @type {Mark[][]} */
    const places = [];
    for (const mark of frames.flat()) {
      const place = places.find(([first]) => isSame(first, mark));
      if (place) place.push(mark);
      else places.push([mark]);
    }
    return places.filter((place) => place.length >= shownAfter).map(voted);
  };
}

/** @param {Mark} one @param {Mark} other */
function isSame(one, other) {
  const [[x, y], [right, low]] = [middle(one), middle(other)];
  return Math.max(Math.abs(x - right), Math.abs(y - low)) < one.height / 2;
}

/** The newest of the label that most have, the newest of equals. @param {Mark[]} place */
function voted(place) {
  const count = place.map(({ label }) => place.filter((mark) => mark.label === label).length);
  return place[count.indexOf(Math.max(...count))];
}

/** @param {Mark} mark */
function middle({ box: [x, y, width, height] }) {
  return [x + width / 2, y + height / 2];
}

/**
 * The gaps of lines of digits in which a sign may stand, also in front of their first digits.
 * @param {Box[]} boxes
 * @param {number[][]} lines
 * @returns {Gap[]}
 */
export function gapsOf(boxes, lines) {
  return lines.flatMap((line) => {
    const wide = wideOf(boxes, line);
    return line.map((before, place) => {
      const right = boxes[before];
      if (place && areNeighbors(boxes[line[place - 1]], right)) {
        return { left: boxes[line[place - 1]], right, before, open: false, wide: wide.has(before) };
      }
      return { left: inFront(right, boxes[line[place + 1]]), right, before, open: true, wide: false };
    });
  });
}

/**
 * The digits before which there is more room than before most of their line, between boxes and between their middles.
 * @param {Box[]} boxes
 * @param {number[]} line
 */
function wideOf(boxes, line) {
  const pairs = line.slice(1).map((index, place) => ({ left: boxes[line[place]], right: boxes[index], before: index }));
  const near = pairs.filter(({ left, right }) => areNeighbors(left, right));
  if (near.length < FEWEST_GAPS) return new Set();
  const gaps = near.map((pair) => (pair.right[0] - pair.left[0] - pair.left[2]) / heightOf(pair));
  const pitches = near.map(
    (pair) => (pair.right[0] + pair.right[2] / 2 - pair.left[0] - pair.left[2] / 2) / heightOf(pair),
  );
  const [gap, pitch] = [median(gaps), median(pitches)];
  const isWide = near.map((pair, place) => {
    const off = Math.max(CELL - pair.right[2] / heightOf(pair), 0);
    return Math.min(gaps[place] - gap - off, pitches[place] - pitch - off / 2) >= WIDER;
  });
  return new Set(near.filter((_, place) => isWide[place]).map(({ before }) => before));
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** @param {Box} left @param {Box} right */
function areNeighbors(left, right) {
  const height = (left[3] + right[3]) / 2;
  const alike = Math.max(left[3], right[3]) <= SAME_HEIGHT * Math.min(left[3], right[3]);
  const apart = right[0] + right[2] / 2 - left[0] - left[2] / 2 > CLOSEST * height;
  return alike && apart && right[0] - left[0] - left[2] <= WIDEST_GAP * height;
}

/**
 * Where a digit would stand that is as far in front of another as is looked at, on their line.
 * @param {Box} digit
 * @param {Box | undefined} after
 * @returns {Box}
 */
function inFront(digit, after) {
  const [x, y, width, height] = digit;
  let slope = 0;
  if (after && areNeighbors(digit, after)) {
    const run = after[0] + after[2] / 2 - x - width / 2;
    slope = (after[1] + after[3] / 2 - y - height / 2) / run;
  }
  const away = width + BEFORE * height;
  return [x - away, y - slope * away, width, height];
}

/**
 * Say in front of which digit each mark stands, each before one; what lies in no gap is left out. A space is between
 * two digits: where lines are close, one may also lie in front of the next.
 * @param {Mark[]} marks
 * @param {Gap[]} gaps
 * @returns {Sign[]}
 */
export function placed(marks, gaps) {
  const left = [...marks];
  return gaps.flatMap((gap) => {
    const at = left.findIndex((mark) => !(gap.open && mark.label === BLANK) && holds(gap, mark));
    return at < 0 ? [] : left.splice(at, 1).map(({ label, box }) => ({ label, box, before: gap.before }));
  });
}

/** @param {Gap} gap @param {Mark} mark */
function holds(gap, mark) {
  const [x, y] = middle(mark);
  const [left, right] = [gap.left[0] + gap.left[2] / 2, gap.right[0] + gap.right[2] / 2];
  if (!(left < x && x < right)) return false;
  const top = gap.left[1] + (gap.right[1] - gap.left[1]) * ((x - left) / (right - left));
  return top + TOP * heightOf(gap) < y && y < top + LOW * heightOf(gap);
}

/** @param {{ left: Box, right: Box }} gap */
function heightOf({ left, right }) {
  return (left[3] + right[3]) / 2;
}

/**
 * The signs that lie in gaps of a gray frame, and ``BLANK`` for what is wide and empty.
 * @param {Picture} gray
 * @param {Gap[]} gaps
 * @returns {Mark[]}
 */
export function readSigns(gray, gaps) {
  return gaps.flatMap((gap) => {
    const sample = sampled(reduced(gray, scaleOf(heightOf(gap))), gap);
    if (!sample) return [];
    const least = Math.max(LEAST_PEAK, NOISE * noiseOf(sample));
    const mark = signOf(sample, least) ?? (gap.wide ? blankOf(sample, least) : null);
    return mark ? [mark] : [];
  });
}

// --- what lies in a gap

/** How many pixels a side are averaged first. @param {number} height */
export function scaleOf(height) {
  let scale = 1;
  while (height / scale >= 2 * FINE) scale *= 2;
  return scale;
}

/** @param {Picture} gray @param {number} scale @returns {Gray} */
export function reduced({ pixels, height, width }, scale) {
  const [high, wide] = [height, width].map((side) => Math.max(Math.floor(side / scale), 1));
  const [down, across] = [Math.min(scale, height), Math.min(scale, width)];
  /** @param {number} row @param {number} column */
  const mean = (row, column) => {
    let sum = 0;
    for (let y = row * scale; y < row * scale + down; y += 1) {
      for (let x = column * scale; x < column * scale + across; x += 1) sum += pixels[y * width + x];
    }
    return sum / (down * across);
  };
  /** @param {number} row @param {number} column */
  const pixel = (row, column) => pixels[row * width + column];
  return { high, wide, scale, at: scale === 1 ? pixel : mean };
}

/** Tops and bottoms of digits at x, on the lines through those of both. @param {Gap} gap @param {number} x */
function lineAt({ left, right }, x) {
  const from = left[0] + left[2] / 2;
  const share = (x - from) / (right[0] + right[2] / 2 - from);
  const top = left[1] + (right[1] - left[1]) * share;
  return [top, top + left[3] + (right[3] - left[3]) * share];
}

/** @param {Gray} gray @param {Gap} gap @returns {Sample | null} */
function sampled(gray, gap) {
  const { left, right, open } = gap;
  const height = heightOf(gap);
  const [rightPaper, rightContrast] = levelsOf(gray, right);
  const [paper, contrast] = open ? [rightPaper, rightContrast] : levelsOf(gray, left);
  const least = Math.min(Math.abs(contrast), Math.abs(rightContrast));
  if (contrast * rightContrast <= 0 || least < LEAST_CONTRAST) return null;
  const start = left[0] + left[2] * (1 - CORE);
  const count = Math.ceil(((right[0] + right[2] * CORE - start) / height) * FINE);
  if (count < FEWEST || count > MOST) return null;
  const from = left[0] + left[2] / 2;
  const ink = new Float64Array(ROWS * count);
  for (let column = 0; column < count; column += 1) {
    const x = start + (column + 0.5) * (height / FINE);
    const [top, bottom] = lineAt(gap, x);
    const share = clipped((x - from) / (right[0] + right[2] / 2 - from), 0, 1);
    const white = paper + (rightPaper - paper) * share;
    const span = contrast + (rightContrast - contrast) * share;
    for (let row = 0; row < ROWS; row += 1) {
      const y = top + (bottom - top) * (TOP + (row + 0.5) / FINE);
      ink[row * count + column] = (interpolated(gray, x, y) - white) / span;
    }
  }
  return { gap, ink, count, start, step: height / FINE };
}

/** The gray level of the paper around a digit, and how far its ink is from that. @param {Gray} gray @param {Box} box */
export function levelsOf(gray, [x, y, width, height]) {
  const away = AROUND * height;
  const inside = [];
  for (let row = 0; row < GRID; row += 1) {
    for (let column = 0; column < GRID; column += 1) {
      inside.push(nearest(gray, x + width * ((column + 0.5) / GRID), y + height * ((row + 0.5) / GRID)));
    }
  }
  const around = [];
  for (let place = 0; place < SIDE; place += 1) {
    const [across, down] = [x + width * ((place + 0.5) / SIDE), y + height * ((place + 0.5) / SIDE)];
    around.push(nearest(gray, across, y - away), nearest(gray, across, y + height + away));
    around.push(nearest(gray, x - away, down), nearest(gray, x + width + away, down));
  }
  const [levels, papers] = [inside, around].map((values) => Float64Array.from(values).sort());
  const paper = papers[2 * SIDE];
  const few = Math.floor(DARKEST * levels.length);
  const [dark, light] = [levels[few], levels[levels.length - 1 - few]];
  return [paper, paper - dark > light - paper ? dark - paper : light - paper];
}

/** @param {Gray} gray @param {number} x @param {number} y */
function nearest({ high, wide, scale, at }, x, y) {
  return at(clipped(Math.floor(y / scale), 0, high - 1), clipped(Math.floor(x / scale), 0, wide - 1));
}

/** Bilinearly; beyond its border an image goes on as it ends. @param {Gray} gray @param {number} x @param {number} y */
export function interpolated({ high, wide, scale, at }, x, y) {
  const [across, down] = [clipped(x / scale - 0.5, 0, wide - 1), clipped(y / scale - 0.5, 0, high - 1)];
  const [column, row] = [Math.floor(across), Math.floor(down)];
  const [next, below] = [Math.min(column + 1, wide - 1), Math.min(row + 1, high - 1)];
  const [right, low] = [across - column, down - row];
  const upper = at(row, column) * (1 - right) + at(row, next) * right;
  const lower = at(below, column) * (1 - right) + at(below, next) * right;
  return upper * (1 - low) + lower * low;
}

/** The deviation of the noise: the median of second differences, which edges hardly move. @param {Sample} sample */
function noiseOf({ ink, count }) {
  const second = new Float64Array(ink.length - 2 * count).map((_, index) =>
    Math.abs(ink[index] - 2 * ink[index + count] + ink[index + 2 * count]),
  );
  return second.sort()[second.length >> 1] / SECOND_DIFFERENCE;
}

// --- pieces

/**
 * The connected pieces above a threshold that touch no border and are no part of a line: one goes beyond what is looked at
 * above or below, or from side to side. ``lines`` has the samples of those of lower thresholds, and gets those of this.
 * @param {Sample} sample
 * @param {number} level
 * @param {Uint8Array} lines
 */
function piecesOf(sample, level, lines) {
  const { ink, count } = sample;
  const seen = new Uint8Array(ink.length);
  /** @type {Piece[]} */
  const pieces = [];
  /** @type {number[]} */
  const found = [];
  for (let first = 0; first < ink.length; first += 1) {
    if (seen[first] || ink[first] < level) continue;
    const { piece, samples } = flooded(sample, level, first, seen);
    const [x0, y0, x1, y1] = piece.edges;
    if (x0 > 0 && y0 > 0 && x1 < count && y1 < ROWS && !lines[first]) pieces.push(piece);
    const isLine = y0 === 0 || y1 === ROWS || (x0 === 0 && x1 === count && y1 - y0 <= THIN * FINE);
    if (isLine) found.push(...samples);
  }
  for (const at of found) lines[at] = 1;
  return pieces;
}

/**
 * @param {Sample} sample
 * @param {number} level
 * @param {number} first
 * @param {Uint8Array} seen
 * @returns {{ piece: Piece, samples: number[] }}
 */
function flooded({ gap, ink, count, start, step }, level, first, seen) {
  const stack = [first];
  const samples = [];
  seen[first] = 1;
  let [x0, y0, x1, y1, area, peak] = [count, ROWS, 0, 0, 0, Number.NEGATIVE_INFINITY];
  let [along, down, both] = [0, 0, 0];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    samples.push(at);
    const [x, y] = [at % count, Math.floor(at / count)];
    [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
    [area, along, down, both] = [area + 1, along + x, down + y, both + x * y];
    peak = Math.max(peak, ink[at]);
    for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, ROWS - 1); row += 1) {
      for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, count - 1); column += 1) {
        const near = row * count + column;
        if (seen[near] || ink[near] < level) continue;
        seen[near] = 1;
        stack.push(near);
      }
    }
  }
  const [wide, high] = [(x1 - x0) / FINE, (y1 - y0) / FINE];
  const x = start + ((x0 + x1) / 2) * step;
  const height = heightOf(gap);
  const piece = {
    wide,
    high,
    top: TOP + y0 / FINE,
    bottom: TOP + y1 / FINE,
    area: area / (FINE * FINE),
    peak,
    leans: (-24 * ((both - (along * down) / area) / area)) / (FINE * FINE) / (wide + high),
    middle: (x0 + x1) / 2 / FINE,
    fromLeft: (x - gap.left[0] - gap.left[2]) / height,
    fromRight: (x - gap.right[0]) / height,
    edges: [x0, y0, x1, y1],
  };
  return { piece, samples };
}

// --- signs

/**
 * What stands in a gap, of ``least`` ink; of thresholds that show a sign, the one nearest to half of its peak counts.
 * @param {Sample} sample
 * @param {number} least
 * @returns {Mark | null}
 */
function signOf(sample, least) {
  const { gap } = sample;
  /** @type {Mark | null} */
  let best = null;
  let closest = Number.POSITIVE_INFINITY;
  const lines = new Uint8Array(sample.ink.length);
  for (const level of LEVELS) {
    const pieces = piecesOf(sample, level, lines);
    const there = substantial(pieces.filter((piece) => piece.peak >= least && isBetween(piece, gap)));
    if (!there.length || !there.every((piece) => isTold(piece, level, gap))) continue;
    const label = labelOf(there);
    if (label === null && Math.max(...there.map(({ high }) => high)) > STRANGE) return null;
    const off = Math.abs(level / Math.max(...there.map(({ peak }) => peak)) - TELLING);
    if (label === null || off >= closest || (gap.open && !isAlone(sample, there))) continue;
    best = { label, box: boxOf(sample, edgesOf(there)), height: heightOf(gap) };
    closest = off;
  }
  return best;
}

/**
 * A space, where nothing is in the middle of a gap.
 * @param {Sample} sample
 * @param {number} least
 * @returns {Mark | null}
 */
function blankOf(sample, least) {
  const { gap, ink, count, start, step } = sample;
  const [begin, end] = [gap.left[0] + gap.left[2], gap.right[0]].map((x) => (x - start) / step);
  const quarter = (end - begin) / 4;
  const [x0, x1] = [Math.floor(begin + quarter), Math.ceil(end - quarter)];
  const [y0, y1] = [EMPTY_TOP, EMPTY_LOW].map((y) => Math.round((y - TOP) * FINE));
  for (let row = y0; row < y1; row += 1) {
    for (let column = x0; column < x1; column += 1) if (ink[row * count + column] >= least) return null;
  }
  return { label: BLANK, box: boxOf(sample, [x0, y0, x1, y1]), height: heightOf(gap) };
}

/** @param {Piece} piece @param {Gap} gap */
function isBetween({ fromLeft, fromRight, area }, { open }) {
  return (open ? fromRight >= -AWAY : fromLeft >= LEFT) && fromRight <= RIGHT && area >= SMALLEST;
}

/** Leave out specks beside larger pieces, and faint ones beside dark ones. @param {Piece[]} pieces */
function substantial(pieces) {
  const peak = Math.max(0, ...pieces.map((piece) => piece.peak));
  const dark = pieces.filter((piece) => piece.peak >= FAINT * peak);
  const area = Math.max(0, ...dark.map((piece) => piece.area));
  return dark.filter((piece) => piece.area >= SPECK * area);
}

/** Whether a threshold shows the shape of a piece. @param {Piece} piece @param {number} level @param {Gap} gap */
function isTold({ fromLeft, fromRight, peak }, level, { open }) {
  const inside = (open || fromLeft >= INSIDE_LEFT) && fromRight <= INSIDE_RIGHT;
  return AT_LEAST * peak <= level && level <= (inside ? AT_MOST_INSIDE : AT_MOST) * peak;
}

/** @param {Piece[]} pieces */
function labelOf(pieces) {
  if (pieces.length === 1) return labelOfOne(pieces[0]);
  if (pieces.length !== 2) return null;
  const [upper, lower] = pieces[0].top <= pieces[1].top ? pieces : [pieces[1], pieces[0]];
  return isColon(upper, lower) ? ":" : null;
}

/** @param {Piece} piece */
function labelOfOne({ wide, high, top, bottom, leans }) {
  const flat = high <= FLAT_HIGHEST && wide >= FLAT * high;
  if (flat && isIn(wide, FLAT_WIDE) && isIn((top + bottom) / 2, FLAT_MIDDLE)) return "-";
  if (!isIn(top, BEGINS) || !isIn(bottom, STANDS) || wide > ROUND * high) return null;
  if (high - wide + leans + BELOW * (bottom - 1) < TAIL) {
    return Math.max(wide, high) <= DOT && bottom <= DOT_ENDS ? "." : null;
  }
  return wide <= COMMA_WIDEST && high <= COMMA_HIGHEST && bottom >= COMMA_ENDS ? "," : null;
}

/** @param {Piece} upper @param {Piece} lower */
function isColon(upper, lower) {
  const apart = (lower.top + lower.bottom - upper.top - upper.bottom) / 2;
  const above = isIn(apart, APART) && Math.abs(upper.middle - lower.middle) <= BESIDE;
  const stands = upper.top >= COLON_TOP && isIn(lower.bottom, COLON_LOW);
  const alike = Math.min(upper.area, lower.area) >= ALIKE * Math.max(upper.area, lower.area);
  return above && stands && alike && isPoint(upper) && isPoint(lower);
}

/** @param {Piece} piece */
function isPoint({ wide, high }) {
  return Math.max(wide, high) <= DOT && wide <= POINT_FLAT * high && high <= POINT_HIGH * wide;
}

/** Whether nothing is near to the left of a sign, at the height of digits. @param {Sample} sample @param {Piece[]} pieces */
function isAlone({ ink, count }, pieces) {
  const first = edgesOf(pieces)[0];
  const near = Math.round(ALONE * FINE);
  if (first < near) return false;
  for (let row = Math.round((ALONE_TOP - TOP) * FINE); row < Math.round((ALONE_LOW - TOP) * FINE); row += 1) {
    for (let column = first - near; column < first; column += 1) {
      if (ink[row * count + column] >= ALONE_BELOW) return false;
    }
  }
  return true;
}

/** @param {Piece[]} pieces */
function edgesOf(pieces) {
  return [Math.min, Math.min, Math.max, Math.max].map((of, place) => of(...pieces.map(({ edges }) => edges[place])));
}

/** Columns and rows as a box of the frame. @param {Sample} sample @param {number[]} edges @returns {Box} */
function boxOf({ gap, start, step }, [x0, y0, x1, y1]) {
  const [top, bottom] = lineAt(gap, start + ((x0 + x1) / 2) * step);
  const high = bottom - top;
  return [start + x0 * step, top + high * (TOP + y0 / FINE), (x1 - x0) * step, (high * (y1 - y0)) / FINE];
}

/** @param {number} value @param {number[]} range */
function isIn(value, [least, most]) {
  return least <= value && value <= most;
}

/** @param {number} value @param {number} least @param {number} most */
function clipped(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
