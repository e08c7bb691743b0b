// Detect on gray pictures of any size in Node.js: node detect.js PICTURE.pgm...
import { readFile } from "node:fs/promises";
import { beside } from "./beside.js";
import { load } from "./detector.js";

const HEADER = /^P5\s+(\d+)\s+(\d+)\s+255\s/;

/**
 * Read a binary PGM file.
 * @param {string} path
 */
async function readPicture(path) {
  const content = new Uint8Array(await readFile(path));
  const header = HEADER.exec(new TextDecoder("latin1").decode(content.subarray(0, 64)));
  const [width, height] = [Number(header?.[1]), Number(header?.[2])];
  const start = header?.[0].length ?? 0;
  if (!header || width * height === 0 || content.length !== start + width * height) {
    throw new Error("expected a binary PGM, 0..255, without comments");
  }
  return { pixels: content.slice(start), size: { height, width } };
}

if (process.argv.length < 3) {
  console.error("node detect.js PICTURE.pgm...");
  process.exit(1);
}
const { label, detect } = await load(beside);
for (const path of process.argv.slice(2)) {
  try {
    const { pixels, size } = await readPicture(path);
    for (const { box, score } of await detect(pixels, size)) {
      const [x, y, width, height] = box.map((side) => side.toFixed(1));
      console.log(`${path}: ${label}  ${(100 * score).toFixed(1)}%  ${width}x${height} at ${x}, ${y}`);
    }
  } catch (error) {
    console.error(`${path}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
