// Build the page: node build.js FOLDER. One script and one style sheet, the two files of onnxruntime-web beside them.
import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

if (process.argv.length !== 3) throw new Error("usage: node build.js FOLDER, which is replaced");
const target = resolve(process.argv[2]);
const folder = `${target}.half`; // gets its name when it is whole
/** @param {string} name */
const here = (name) => new URL(name, import.meta.url);

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await build({
  absWorkingDir: fileURLToPath(here(".")),
  entryPoints: ["src/page.js", "src/page.css"],
  outdir: folder,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  external: ["./ort.wasm.bundle.min.mjs"],
});
for (const name of ["index.html", "icon.svg"]) await copyFile(here(name), join(folder, name));
for (const name of ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]) {
  await copyFile(here(`node_modules/onnxruntime-web/dist/${name}`), join(folder, name));
}
await rm(target, { recursive: true, force: true });
await rename(folder, target);
