// Files of this folder, read in Node.js.
import { readFile } from "node:fs/promises";

/** @param {string} name */
export const beside = async (name) => new Uint8Array(await readFile(new URL(name, import.meta.url)));
