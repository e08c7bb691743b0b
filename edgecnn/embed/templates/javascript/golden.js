// The golden images of the card against what the model says of them here.
const bytes = ({ base64 }) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const best = (values) => values.indexOf(Math.max(...values));

/** Return the golden images, each a Uint8Array of pixels, with the probabilities that belong to them. */
export function goldenImages({ images_nhwc, probabilities_nk }) {
  const [count, classes] = probabilities_nk.shape;
  const pixels = bytes(images_nhwc);
  const expected = new Float32Array(bytes(probabilities_nk).buffer); // little-endian, as all that runs JavaScript
  const size = pixels.length / count;
  return Array.from({ length: count }, (_, index) => ({
    pixels: pixels.slice(index * size, (index + 1) * size),
    expected: expected.slice(index * classes, (index + 1) * classes),
  }));
}

/** Run them one by one: the same labels, and no probability further off than the card allows? */
export async function compare(card, probabilities) {
  const images = goldenImages(card.golden);
  const { tolerance } = card.golden;
  let gap = 0;
  let same = true;
  for (const { pixels, expected } of images) {
    const found = await probabilities(pixels);
    gap = Math.max(gap, ...expected.map((value, index) => Math.abs(value - found[index])));
    same &&= best(found) === best(expected);
  }
  const passed = same && gap <= tolerance; // false for NaN as well
  const verdict =
    `${passed ? "passed" : "FAILED"}: ${images.length} golden images, ${same ? "the same" : "other"} labels, ` +
    `largest probability gap ${gap.toExponential(1)} (allowed ${tolerance})`;
  return { passed, verdict };
}
