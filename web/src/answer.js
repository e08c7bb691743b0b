// The answer in large type, whose look follows its confidence, and the crops that it is of.
import { byId, element, paint, percent, say } from "./dom.js";

/** @import { Answer, Result } from "./types.d.ts" */
/** @typedef {"sure" | "likely" | "unsure"} Confidence */

const [SURE, LIKELY] = [0.95, 0.7]; // probabilities from which an answer looks so
const WORDS = { sure: "Sure", likely: "Fairly sure", unsure: "Not sure" };
const [LONG, LONGER] = [8, 24]; // characters from which the type is smaller

/** @param {number} probability @returns {Confidence} */
export function confidence(probability) {
  return probability >= SURE ? "sure" : probability >= LIKELY ? "likely" : "unsure";
}

/**
 * Show what was read.
 * @param {Result} result
 * @param {string[]} labels
 */
export function showAnswer({ text, answers }, labels) {
  const box = byId("answer");
  const looks = answers.map(({ probability }) => confidence(probability));
  const state = `${text} ${looks.join()}`;
  if (box.dataset.state !== state) {
    box.dataset.state = state;
    box.className = text.length > LONGER ? "longer" : text.length > LONG ? "long" : "";
    box.replaceChildren(...lettered(text, answers, looks));
    say("confidence", answers.length === 1 ? WORDS[looks[0]] : ofSeveral(looks));
    scrollable(box);
  }
  say("probability", inWords(answers, looks, labels));
}

/**
 * Show a text in place of an answer.
 * @param {string} text
 */
export function showMessage(text) {
  byId("answer").className = "quiet";
  delete byId("answer").dataset.state;
  byId("answer").removeAttribute("tabindex");
  say("answer", text);
  say("confidence", "");
  say("probability", "");
}

/**
 * The text, each label by itself with its look.
 * @param {string} text
 * @param {Answer[]} answers
 * @param {Confidence[]} looks
 */
function lettered(text, answers, looks) {
  let rest = text;
  return answers.flatMap(({ label }, index) => {
    const at = rest.indexOf(label);
    const before = rest.slice(0, at);
    rest = rest.slice(at + label.length);
    const own = element("span", { text: label, className: looks[index] });
    return before ? [before, own] : [own];
  });
}

/** A long answer scrolls in its place, by keyboard as well. @param {HTMLElement} box */
function scrollable(box) {
  if (box.scrollHeight > box.clientHeight + 1) box.tabIndex = 0;
  else box.removeAttribute("tabindex");
}

/** @param {Answer[]} answers @param {Confidence[]} looks @param {string[]} labels */
function inWords(answers, looks, labels) {
  if (answers.length !== 1) return answers.length ? `${answers.length} read, ${ofSeveral(looks)}` : "";
  const [{ probability, probabilities, label }] = answers;
  if (looks[0] === "sure") return `${WORDS.sure}, ${percent(probability)}`;
  const second = labels
    .map((name, id) => ({ name, probability: probabilities[id] }))
    .filter(({ name }) => name !== label)
    .reduce((best, next) => (next.probability > best.probability ? next : best));
  return `${WORDS[looks[0]]}, ${percent(probability)}. Or ${second.name}, ${percent(second.probability)}`;
}

/** @param {Confidence[]} looks */
function ofSeveral(looks) {
  const doubtful = looks.filter((look) => look !== "sure").length;
  return looks.length === 0 ? "" : doubtful ? `${doubtful} not sure` : "all sure";
}

/**
 * One crop is a picture, of several each is a button, which stays while the camera runs, so that it can be pressed.
 * @param {Answer[]} answers
 * @param {number} chosen
 */
export function showCrops(answers, chosen) {
  byId("seen").hidden = answers.length === 0;
  const several = answers.length > 1;
  const crops = byId("crops");
  crops.classList.toggle("several", several);
  if (crops.querySelectorAll("button").length !== (several ? answers.length : 0) || !several) {
    const crop = () => (several ? element("button", { type: "button" }, [element("canvas")]) : element("canvas"));
    crops.replaceChildren(...answers.map(crop));
  }
  answers.forEach(({ image, label, probability }, index) => {
    const crop = crops.children[index];
    paint(/** @type {HTMLCanvasElement} */ (several ? crop.firstChild : crop), image);
    crop.setAttribute("aria-label", `${label}, ${percent(probability)}`);
    if (several) crop.setAttribute("aria-pressed", String(index === chosen));
    else crop.setAttribute("role", "img");
  });
}
