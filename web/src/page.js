// The page: which input is open, what it gives to the models, and where the answer goes.
import { showMessage } from "./answer.js";
import { megabytes, showCard } from "./card.js";
import { classifier } from "./classifier.js";
import { detector } from "./detector.js";
import { byId, part, reason, say } from "./dom.js";
import { drawing } from "./drawing.js";
import { filming } from "./filming.js";
import { insight } from "./insight.js";
import { described, load } from "./load.js";
import { pictures } from "./pictures.js";
import { opaque } from "./pixels.js";
import { recognize } from "./recognize.js";
import { start } from "./runtime.js";
import { tabs } from "./tabs.js";
import { view } from "./view.js";

/** @import { Looking, Reader, Shot, Site, Source } from "./types.d.ts" */
/** @typedef {{ reader: Reader, shown: ReturnType<typeof view> }} Ready */

const DIGITS = [..."0123456789"];

async function main() {
  const schedule = latestOnly();
  let current = "";
  let invitation = "Draw something";
  /** @type {Ready | null} */
  let ready = null;

  /** @param {string} text */
  const message = (text) => (ready ? ready.shown.message(text) : showMessage(text));

  /**
   * Answer a frame of an input once the one before it is answered; one that is wanted no more is not shown.
   * @param {string} name
   * @param {Shot} shot
   */
  const recognized = (name, shot) =>
    schedule(async () => {
      const { empty, kept = {}, wanted = () => true } = shot;
      if (!ready) return showMessage(empty ?? "It is read as soon as the network is here.");
      const { reader, shown } = ready;
      const open = () => current === name && wanted();
      /** @type {Looking} */
      const looked = (done, all) => {
        shown.looking(done, all);
        return open();
      };
      try {
        const used = shot.one ? { ...reader, detect: null } : reader;
        const result = kept.result ?? (await answered(used, name, shot, looked));
        if (result === null) return;
        kept.result = result;
        const second = await shown.second(result.answers);
        if (!open()) return;
        shot.answered?.();
        shown.boxes(name, result, { scaledFrom: shot.scaledFrom, video: Boolean(shot.remembered) });
        await shown.answer(result, second, { empty: empty ?? "No digit found", fps: shot.fps });
      } catch (error) {
        if (open()) message(`This picture could not be classified: ${reason(error)}`);
      } finally {
        shown.looking(1, 1);
      }
    });

  /** @type {Record<string, Source>} */
  const inputs = {
    draw: drawing(
      (shot) => recognized("draw", shot),
      () => invitation,
    ),
    picture: pictures(
      (shot) => recognized("picture", shot),
      message,
      () => show("picture"),
    ),
    camera: filming((shot) => recognized("camera", shot), message),
  };
  const show = tabs(Object.keys(inputs), (name) => {
    inputs[current]?.close?.();
    current = name;
    inputs[name].open();
  });
  show("draw"); // paper and pen work while the rest is on its way

  const site = await described();
  const { card } = site.model;
  showCard(site.model);
  if (DIGITS.every((digit) => card.labels.includes(digit))) invitation = "Draw a digit";
  byId("amount").hidden = !site.detector;
  byId("tab-draw").hidden = card.input.channels !== 1;
  if (byId("tab-draw").hidden) show("picture");
  else inputs[current].open();

  ready = await opened(site, () => inputs[current].open());
  inputs[current].open();
}

/**
 * Read a frame of an input.
 * @param {Reader} reader
 * @param {string} name
 * @param {Shot} shot
 * @param {Looking} looked
 */
async function answered(reader, name, { frame, remembered }, looked) {
  const { card } = reader.classifier;
  const picture = await opaque(frame(), reader.detect ? 1 : card.input.channels);
  return recognize(reader, picture, { drawn: name === "draw", remembered, looked });
}

/**
 * Fetch and open the models, with the progress of it.
 * @param {Site} site
 * @param {() => void} changed
 * @returns {Promise<Ready>}
 */
async function opened(site, changed) {
  const bar = part("progress", HTMLProgressElement);
  const [runtime, model, found] = await load(
    [site.runtime, site.model, ...(site.detector ? [site.detector] : [])],
    (here, all) => {
      bar.value = here / all;
      say("loaded", `Loading, ${megabytes(here)} of ${megabytes(all)} MB`);
    },
  );
  say("loaded", "Starting the network");
  await start(runtime);
  const own = await classifier(model, site.model);
  const reader = { classifier: own, detect: found ? await detector(found) : null };
  byId("loading").hidden = true;
  part("main", HTMLElement).removeAttribute("aria-busy");
  return { reader, shown: view(site.model, insight(site, model, changed)) };
}

/**
 * Run one task after the other; of those that wait, only the latest runs.
 * @returns {(task: () => Promise<void> | void) => Promise<void>}
 */
function latestOnly() {
  /** @type {(() => Promise<void> | void) | null} */
  let waiting = null;
  /** @type {Promise<void> | null} */
  let running = null;
  async function drain() {
    while (waiting) {
      const task = waiting;
      waiting = null;
      await task();
    }
    running = null;
  }
  return (task) => {
    waiting = task;
    running ??= drain();
    return running;
  };
}

function kept() {
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("worker.js").catch(() => {}); // a page without it
}

main().then(kept, (error) => {
  byId("loading").hidden = true;
  showMessage(`The page could not start: ${reason(error)}`);
});
