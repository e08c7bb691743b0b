// The golden image of the card against what the model detects on it here.

/**
 * What the self-test needs of a model's card: arrays in base64, and how far scores may be off.
 * @typedef {{ shape: number[], base64: string }} Numbers
 * @typedef {{ images_nhwc: Numbers, answers: { boxes: Numbers, scores: Numbers }, tolerance: number,
 *   log_tolerance?: number | null, rms_tolerance?: number }} Golden
 * @typedef {{ name: string, form: string, labels: string[], golden: Golden }} Card
 * @typedef {import("./detector.js").Detection} Detection
 */

const ANOTHER_PLACE = 0.5; // a box that covers less than this share of where it was is in another place

/** @param {Numbers} numbers */
const bytes = ({ base64 }) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
/** @param {Numbers} numbers */
const floats = (numbers) => Array.from(new Float32Array(bytes(numbers).buffer)); // little-endian, as all that runs this

/**
 * Return the golden image, and what belongs to it.
 * @param {Golden} golden
 */
export function goldenImage({ images_nhwc, answers }) {
  const [, height, width] = images_nhwc.shape;
  const boxes = floats(answers.boxes);
  /** @type {Detection[]} */
  const expected = floats(answers.scores).map((score, index) => ({
    box: boxes.slice(4 * index, 4 * index + 4),
    score,
  }));
  return { pixels: bytes(images_nhwc).slice(0, height * width), size: { height, width }, expected };
}

/**
 * Detect on it: as many, each in its place, and no score further off than the card allows?
 * @param {Card} card
 * @param {(pixels: Uint8Array, size: { height: number, width: number }) => Promise<Detection[]>} detect
 */
export async function compare(card, detect) {
  const { pixels, size, expected } = goldenImage(card.golden);
  const { tolerance, log_tolerance: logTolerance = null, rms_tolerance: rmsTolerance = tolerance } = card.golden;
  const found = await detect(pixels, size);
  const inPlace =
    found.length === expected.length &&
    expected.every(({ box }) => found.some((other) => overlap(other.box, box) > ANOTHER_PLACE));
  // Logarithms of a score and of what it leaves to one: near one, it is the rest that tells. NaN stays NaN.
  /** @type {(score: number) => number[]} */
  const compared = (score) => [score, Math.fround(1 - score)].map(logTolerance === null ? (own) => own : logarithm);
  const wanted = inPlace ? expected.map(({ score }) => compared(score)) : [];
  const told = inPlace ? found.map(({ score }) => compared(score)) : [];
  const gaps = wanted.flatMap((both, index) => both.map((value, side) => Math.abs(value - told[index][side])));
  // A score on the other side of one half counts where the card has it further off than is allowed.
  const turned = wanted.some(
    ([own, rest], index) =>
      own >= rest !== told[index][0] >= told[index][1] &&
      (logTolerance === null || Math.abs(own - rest) > logTolerance),
  );
  const same = inPlace && !turned;
  const largest = Math.max(0, ...gaps);
  const mean = Math.sqrt(gaps.reduce((sum, gap) => sum + gap * gap, 0) / Math.max(gaps.length, 1));
  const allowed = logTolerance ?? tolerance;
  const passed = same && largest <= allowed && mean <= rmsTolerance; // false for NaN as well
  const verdict =
    `${passed ? "passed" : "FAILED"}: ${found.length} detections of ${expected.length}, ` +
    `${same ? "the same" : "others"}, ` +
    `largest ${logTolerance === null ? "" : "log-"}score gap ${largest.toExponential(1)} (allowed ${allowed}), ` +
    `root mean square ${mean.toExponential(1)} (allowed ${rmsTolerance})`;
  return { passed, verdict };
}

/** @param {number} value */
const logarithm = (value) => Math.log(Math.max(value, 1e-30));

/**
 * Return intersection over union.
 * @param {number[]} first
 * @param {number[]} second
 */
function overlap([x, y, width, height], [otherX, otherY, otherWidth, otherHeight]) {
  const across = Math.min(x + width, otherX + otherWidth) - Math.max(x, otherX);
  const down = Math.min(y + height, otherY + otherHeight) - Math.max(y, otherY);
  const shared = Math.max(across, 0) * Math.max(down, 0);
  return shared / Math.max(width * height + otherWidth * otherHeight - shared, 1e-6);
}
