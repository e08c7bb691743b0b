// The probabilities of one answer as bars, with the second model's beside them where there is one.
import { confidence } from "./answer.js";
import { byId, element, percent } from "./dom.js";

/** @import { Answer } from "./types.d.ts" */

const NOTHING = new Float32Array(0);
const MOST_BARS = 11; // ten digits and none; of more labels the likeliest

/**
 * The bars are made once for what is shown and moved from then on, so that they glide.
 * @param {string[]} labels
 */
export function barsFor(labels) {
  /** @type {number[]} */
  let shown = [];

  /** @param {number[]} classIds */
  function rows(classIds) {
    if (classIds.join() === shown.join() && byId("bars").children.length) return;
    shown = classIds;
    byId("bars").replaceChildren(
      ...classIds.map((id) =>
        element("li", {}, [
          element("span", { className: "label", text: labels[id] }),
          element("span", { className: "tracks" }, [
            element("span", { className: "track" }, [element("span", { className: "bar" })]),
            element("span", { className: "track second" }, [element("span", { className: "bar" })]),
          ]),
          element("span", { className: "value" }),
        ]),
      ),
    );
  }

  /**
   * Show an answer, or empty bars; of many labels the likeliest, which an answer tells.
   * @param {Answer | undefined} answer
   * @param {Answer} [second]
   */
  return (answer, second) => {
    const probabilities = answer?.probabilities ?? NOTHING;
    const order = labels.map((_, id) => id);
    if (labels.length > MOST_BARS && !answer) return byId("bars").replaceChildren();
    if (labels.length > MOST_BARS) order.sort((one, other) => probabilities[other] - probabilities[one]);
    rows(order.slice(0, MOST_BARS));
    byId("bars").className = [answer && confidence(answer.probability), second && "two"].filter(Boolean).join(" ");
    shown.forEach((id, row) => {
      const item = byId("bars").children[row];
      const [first, other] = /** @type {NodeListOf<HTMLElement>} */ (item.querySelectorAll(".bar"));
      item.classList.toggle("best", labels[id] === answer?.label);
      first.style.transform = `scaleX(${probabilities[id] ?? 0})`;
      other.style.transform = `scaleX(${second ? second.probabilities[id] : 0})`;
      /** @type {HTMLElement} */ (item.querySelector(".value")).textContent = answer ? percent(probabilities[id]) : "";
    });
  };
}
