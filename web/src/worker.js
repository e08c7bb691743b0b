// The service worker: what the page is made of, kept for when the server is gone.
//
// The server is asked first, always: another model may be served at the same address next time. What it says unchanged
// (ETag) is not transferred again.

/** @import { Asked, KeepsAlive, WorkerScope } from "./types.d.ts" */

const KEPT = "edgecnn";
const SCRIPTS = ["page.js", "engine.js", "ort.wasm.bundle.min.mjs"];
const PAGE = ["./", "page.css", ...SCRIPTS, "icon.svg", "icon-192.png", "app.webmanifest"];
const scope = /** @type {WorkerScope} */ (/** @type {unknown} */ (self));

scope.addEventListener("install", (event) => event.waitUntil(filled().then(() => scope.skipWaiting())));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(answered(event));
});

/** Take what the page needs to start; a second model is taken when it was looked at. */
async function filled() {
  const cache = await caches.open(KEPT);
  const answer = await fetch("site.json");
  await cache.put("site.json", answer.clone());
  /** @type {import("./types.d.ts").Site} */
  const { runtime, model, detector } = await answer.json();
  await cache.addAll([...PAGE, ...[runtime, model, detector].flatMap((file) => (file ? [file.path] : []))]);
}

/** @param {Asked} event */
async function answered(event) {
  const { request } = event;
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok && answer.headers.get("Server") === "edgecnn" && (await isNew(cache, request, answer))) {
      event.waitUntil(cache.put(request, answer.clone()).catch(() => {})); // no room: the older one stays
    }
    return answer;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw error;
  }
}

/** @param {Cache} cache @param {Request} request @param {Response} answer */
async function isNew(cache, request, answer) {
  const kept = await cache.match(request);
  return kept?.headers.get("ETag") !== answer.headers.get("ETag");
}
