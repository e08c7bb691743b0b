// The golden images of the card against what the model says of them here.
/**
 * What the self-test needs of a model's card: arrays in base64, and how far answers may be off.
 * @typedef {{ shape: number[], base64: string }} Numbers
 * @typedef {{ images_nhwc: Numbers, answers: { probabilities: Numbers }, tolerance: number, log_tolerance?: number | null,
 *   rms_tolerance?: number }} Golden
 * @typedef {{ name: string, form: string, labels: string[], golden: Golden,
 *   input: { height: number, width: number, channels: number } }} Card
 */

/** @param {Numbers} numbers */
const bytes = ({ base64 }) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
/** @param {Float32Array} values */
const best = (values) => values.indexOf(Math.max(...values));

/**
 * Return the golden images, each a Uint8Array of pixels, with the probabilities that belong to them.
 * @param {Golden} golden
 */
export function goldenImages({ images_nhwc, answers }) {
  const [count, classes] = answers.probabilities.shape;
  const pixels = bytes(images_nhwc);
  const expected = new Float32Array(bytes(answers.probabilities).buffer); // little-endian, as all that runs JavaScript
  const size = pixels.length / count;
  return Array.from({ length: count }, (_, index) => ({
    pixels: pixels.slice(index * size, (index + 1) * size),
    expected: expected.slice(index * classes, (index + 1) * classes),
  }));
}

/**
 * Run them one by one: the same labels, and nothing further off than the card allows?
 * @param {Card} card
 * @param {(pixels: Uint8Array) => Promise<Float32Array>} probabilities
 */
export async function compare(card, probabilities) {
  const images = goldenImages(card.golden);
  const { tolerance, log_tolerance: logTolerance = null, rms_tolerance: rmsTolerance = tolerance } = card.golden;
  // Logarithms, as probabilities near one hide what happened to the rest; NaN stays NaN.
  /** @type {(value: number) => number} */
  const compared = logTolerance === null ? (value) => value : (value) => Math.log(Math.max(value, 1e-30));
  const allowed = logTolerance ?? tolerance;
  let largest = 0;
  let squares = 0;
  let values = 0;
  let same = true;
  for (const { pixels, expected } of images) {
    const found = await probabilities(pixels);
    const gaps = Array.from(expected, (value, index) => Math.abs(compared(value) - compared(found[index])));
    largest = Math.max(largest, ...gaps);
    squares += gaps.reduce((sum, gap) => sum + gap * gap, 0);
    values += gaps.length;
    // Another label counts where the card has the two further apart than is allowed.
    const [wanted, answered] = [best(expected), best(found)];
    const apart = compared(expected[wanted]) - compared(expected[answered]);
    same &&= wanted === answered || (logTolerance !== null && apart <= logTolerance);
  }
  const mean = Math.sqrt(squares / values);
  const passed = same && largest <= allowed && mean <= rmsTolerance; // false for NaN as well
  const verdict =
    `${passed ? "passed" : "FAILED"}: ${images.length} golden images, ${same ? "the same" : "other"} labels, ` +
    `largest ${logTolerance === null ? "" : "log-"}probability gap ${largest.toExponential(1)} (allowed ${allowed}), ` +
    `root mean square ${mean.toExponential(1)} (allowed ${rmsTolerance})`;
  return { passed, verdict };
}
