// Build the page: node build.js FOLDER. One script and one style sheet, the worker that runs the networks, the service
// worker, and the two files of onnxruntime-web beside them, of which the large one is stored compressed, as it is served.
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

if (process.argv.length !== 3) throw new Error("usage: node build.js FOLDER, which is replaced");
const target = resolve(process.argv[2]);
const folder = `${target}.half`; // gets its name when it is whole
const runtime = "node_modules/onnxruntime-web/dist/";
const wasm = "ort-wasm-simd-threaded.wasm";
/** @param {string} name */
const here = (name) => new URL(name, import.meta.url);

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await build({
  absWorkingDir: fileURLToPath(here(".")),
  entryPoints: ["src/page.js", "src/page.css", "src/engine.js", "src/worker.js"],
  outdir: folder,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  external: ["./ort.wasm.bundle.min.mjs"],
});
for (const name of ["index.html", "app.webmanifest", "icon.svg", "icon-192.png", "icon-512.png"]) {
  await copyFile(here(name), join(folder, name));
}
await copyFile(here(`${runtime}ort.wasm.bundle.min.mjs`), join(folder, "ort.wasm.bundle.min.mjs"));
await writeFile(join(folder, `${wasm}.gz`), gzipSync(await readFile(here(`${runtime}${wasm}`)), { level: 9 }));
await rm(target, { recursive: true, force: true });
await rename(folder, target);
