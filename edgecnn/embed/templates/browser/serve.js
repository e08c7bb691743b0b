// Serve this folder to this machine alone: node serve.js [PORT]

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
const SERVED = /^\/[\w-][\w.-]*$/; // files of this folder, no other

const server = createServer(async ({ url }, response) => {
  const path = url === "/" ? "/index.html" : (url ?? "");
  try {
    if (!SERVED.test(path)) throw new Error("not served");
    const content = await readFile(new URL(`.${path}`, import.meta.url));
    response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream" }).end(content);
  } catch {
    response.writeHead(404).end();
  }
});
server.listen(Number(process.argv[2] ?? 8000), "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${port}/`);
});
