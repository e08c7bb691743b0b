// The answer to take along: copied as text, or saved as JSON.
import { byId, element, reason, say } from "./dom.js";

/** @import { Card, Result } from "./types.d.ts" */

const TOLD_MS = 2000; // how long a button says what it did

/** @param {Card} card */
export function keeping(card) {
  /** @type {Result | null} */
  let kept = null;

  byId("copy").addEventListener("click", async () => {
    if (!kept) return;
    try {
      await copied(kept.text);
      told("Copied");
    } catch (error) {
      told(`Not copied: ${reason(error)}`);
    }
  });
  byId("save").addEventListener("click", () => {
    if (!kept) return;
    saved(`${card.name}-answer.json`, JSON.stringify(answerDocument(card, kept), null, 1));
    told("Saved");
  });

  return {
    /** Offer a result, or nothing. @param {Result | null} result */
    offer(result) {
      kept = result?.answers.length ? result : null;
      byId("keep").hidden = !kept;
    },
  };
}

/** @param {string} text */
function told(text) {
  say("kept", text);
  setTimeout(() => say("kept", ""), TOLD_MS);
}

/** @param {string} text */
async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = /** @type {HTMLTextAreaElement} */ (element("textarea", { className: "unseen" }));
  field.value = text; // pages that are not safe have no clipboard but this
  byId("keep").append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser does not allow it");
}

/** @param {string} name @param {string} text */
function saved(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), TOLD_MS);
}

/** @param {Card} card @param {Result} result */
function answerDocument({ name, form, labels }, { text, answers, boxes, signs, size }) {
  return {
    model: name,
    form,
    width: size.width,
    height: size.height,
    text,
    answers: answers.map(({ label, probability, probabilities }, index) => ({
      label,
      probability,
      box: boxes?.[index] ?? null,
      probabilities: Object.fromEntries(labels.map((label, id) => [label, probabilities[id]])),
    })),
    signs,
  };
}
