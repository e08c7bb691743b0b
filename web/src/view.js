// What is shown of a result, and which of its answers is looked at more closely.
import { showAnswer, showCrops, showMessage } from "./answer.js";
import { barsFor } from "./bars.js";
import { lookedAt, showBoxes } from "./boxes.js";
import { byId, part, reason, say } from "./dom.js";
import { keeping } from "./keep.js";

/** @import { Result, Second, ServedModel, Size } from "./types.d.ts" */
/** @import { insight } from "./insight.js" */
/** @typedef {ReturnType<typeof insight>} Insight */

/**
 * Return what shows results: { answer, message, boxes, looking, second }.
 * @param {ServedModel} model
 * @param {Insight} look
 */
export function view({ card }, look) {
  const bars = barsFor(card.labels);
  const keep = keeping(card);
  /** @type {Result | null} */
  let shown = null;
  /** @type {Second | null} */
  let second = null;
  let chosen = 0;

  /**
   * Show a result and the second model's word on it; ``fps`` only for the camera, ``empty`` is the text where there is
   * nothing to answer.
   * @param {Result} result
   * @param {Second | null} word
   * @param {{ empty: string, fps?: number }} options
   */
  async function answer(result, word, { empty, fps }) {
    shown = result;
    second = word;
    chosen = Math.min(chosen, Math.max(0, result.answers.length - 1));
    if (result.answers.length) showAnswer(result, card.labels);
    else showMessage(empty);
    say("times", result.answers.length || result.boxes ? times(result, fps) : "");
    keep.offer(result);
    await closer();
  }

  async function closer() {
    const answers = shown?.answers ?? [];
    showCrops(answers, chosen);
    bars(answers[chosen], second?.answers[chosen]);
    if (shown) look.compare(shown, second, chosen);
    await look.maps(answers[chosen]);
  }

  byId("crops").addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    const index = button ? Array.from(byId("crops").children).indexOf(button) : -1;
    if (index < 0) return;
    chosen = index;
    closer().catch((error) => say("closer-state", reason(error)));
  });

  /** Show a text, and nothing of the result before it. @param {string} text */
  function message(text) {
    shown = null;
    showMessage(text);
    say("times", "");
    keep.offer(null);
    byId("models").hidden = true;
    return closer();
  }

  /**
   * Show over the picture of an input what was read where, and say what of it was looked at.
   * @param {string} name
   * @param {Result} result
   * @param {{ scaledFrom?: Size, video: boolean }} options
   */
  function boxes(name, result, options) {
    showBoxes(`${name}-boxes`, result);
    if (name !== "draw") say(`${name}-looked`, lookedAt(result, options));
  }

  /** Show how much of a large picture was looked at. @param {number} done @param {number} all */
  function looking(done, all) {
    const more = all > 2 && done < all; // two looks at a small picture are over at once
    byId("looking").hidden = !more;
    if (!more) return;
    if (done === 0) message("Reading …");
    part("looks", HTMLProgressElement).value = done / all;
    say("looks-done", `Looking closely, ${done} of ${all} parts`);
  }

  return { answer, message, boxes, looking, second: look.second };
}

/** @param {Result} result @param {number} [fps] */
function times({ detectMs, classifyMs, rejected }, fps) {
  const parts = [detectMs === null ? [] : `detect ${detectMs.toFixed(1)} ms`, `classify ${classifyMs.toFixed(1)} ms`];
  if (fps) parts.push(`${fps.toFixed(0)} frames/s`);
  if (rejected) parts.push(`${rejected} rejected`);
  return parts.flat().join(" · ");
}
