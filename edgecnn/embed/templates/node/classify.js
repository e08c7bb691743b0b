// Classify binary PGM (gray) or PPM (RGB) files that have the model's size: node classify.js PICTURE.pgm...
import { readFile } from "node:fs/promises";
import { load } from "./classifier.js";

/** @param {string} path @param {Buffer} content @param {{ height: number, width: number, channels: number }} input */
function readPicture(path, content, { height, width, channels }) {
  const [kind, suffix] = channels === 1 ? ["P5", "PGM"] : ["P6", "PPM"];
  const expected = new RegExp(`^${kind}\\s+${width}\\s+${height}\\s+255\\s`);
  const header = expected.exec(content.subarray(0, 40).toString("latin1"));
  if (header === null || content.length !== header[0].length + height * width * channels) {
    throw new Error(`${path}: expected a binary ${suffix} of ${width}x${height}, 0..255, without comments`);
  }
  return new Uint8Array(content.subarray(header[0].length));
}

const { card, labels, probabilities } = await load();
for (const path of process.argv.slice(2)) {
  const answer = await probabilities(readPicture(path, await readFile(path), card.input));
  const best = answer.indexOf(Math.max(...answer));
  console.log(`${path}: ${labels[best]}  ${(100 * answer[best]).toFixed(1)}%`);
}
