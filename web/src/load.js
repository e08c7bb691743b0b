// The server's files, and how much of them is here.

/** @import { ServedFile, Site } from "./types.d.ts" */

/** What is served: the files, their sizes and the models' cards. @returns {Promise<Site>} */
export async function described() {
  return (await asked("site.json")).json();
}

/**
 * Fetch files; ``came(bytes, all)`` is told whenever some have come. Sizes are those before compression.
 * @param {ServedFile[]} files
 * @param {(bytes: number, all: number) => void} came
 */
export async function load(files, came) {
  const all = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let here = 0;
  /** @param {number} more */
  const counted = (more) => {
    here += more;
    came(here, all);
  };
  return Promise.all(files.map((file) => content(file, counted)));
}

/** @param {ServedFile} file @param {(more: number) => void} counted */
async function content({ path, bytes }, counted) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ ((await asked(path)).body).getReader();
  const whole = new Uint8Array(bytes);
  let here = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (here + part.value.length > bytes) break;
    whole.set(part.value, here);
    here += part.value.length;
    counted(part.value.length);
    if (here === bytes) return whole;
  }
  throw new Error(`${path} is not of the size that the server said. Load the page again.`);
}

/** @param {string} path */
async function asked(path) {
  const response = await fetch(new URL(path, import.meta.url));
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response;
}
