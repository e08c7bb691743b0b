// The page's self-test without a browser: the same files in Node.js. Exit code 0 when it passes, 1 when it does not.
import { readFile } from "node:fs/promises";
import { load } from "./classifier.js";
import { compare } from "./golden.js";

/** @param {string} name */
const beside = async (name) => new Uint8Array(await readFile(new URL(name, import.meta.url)));
const { card, probabilities } = await load(beside);
const { passed, verdict } = await compare(card, probabilities);
console.log(verdict);
process.exitCode = passed ? 0 : 1;
