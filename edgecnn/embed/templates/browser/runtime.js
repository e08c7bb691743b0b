// Copy the two files of onnxruntime-web that a page needs from node_modules to this folder.
import { copyFile } from "node:fs/promises";

for (const name of ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"]) {
  await copyFile(new URL(`node_modules/onnxruntime-web/dist/${name}`, import.meta.url), new URL(name, import.meta.url));
}
