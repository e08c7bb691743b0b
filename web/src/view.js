// What is shown: the answer, the crops that the network saw, bars, times, boxes and the card.

import { byId, painter, part } from "./dom.js";

/** @import { Answer, Card, Picture, Result, Size, Window } from "./types.d.ts" */

const MOST_BARS = 11; // ten digits and none; of more labels the likeliest
const SVG = "http://www.w3.org/2000/svg";
/** @param {number} value */
const percent = (value) => `${(100 * value).toFixed(value > 0.9995 || value < 0.0995 ? 2 : 1)} %`;

/**
 * @param {string} name
 * @param {{ text?: string, className?: string, type?: string }} [properties]
 * @param {HTMLElement[]} [children]
 */
function element(name, { text, ...properties } = {}, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/**
 * Change a text only where it differs: what is spoken aloud is not said again for each frame.
 * @param {string} id
 * @param {string} text
 */
function say(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

/**
 * Show the card, and return what shows answers and boxes.
 * @param {Card} card
 * @param {number} modelBytes
 */
export function view(card, modelBytes) {
  showCard(card, modelBytes);
  const bars = barsFor(card.labels);
  /** @type {Answer[]} */
  let shown = [];
  let chosen = 0;

  /**
   * Show a result; ``fps`` only for the camera, ``empty`` is the text where there is nothing to answer.
   * @param {Result} result
   * @param {{ empty: string, fps?: number }} options
   */
  function answer(result, { empty, fps }) {
    shown = result.answers;
    chosen = Math.min(chosen, Math.max(0, result.answers.length - 1));
    say("answer", result.text || empty);
    byId("answer").classList.toggle("quiet", result.answers.length === 0);
    say("probability", result.boxes === null && result.answers.length ? percent(result.answers[0].probability) : "");
    say("times", times(result, fps));
    showCrops(result.answers, chosen);
    bars.show(result.answers[chosen]);
  }

  byId("crops").addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("button") : null;
    const index = button ? Array.from(byId("crops").children).indexOf(button) : -1;
    if (index < 0) return;
    chosen = index;
    showCrops(shown, chosen);
    bars.show(shown[chosen]);
  });
  return { answer, boxes: drawBoxes };
}

/**
 * One crop is a picture, of several each is a button, which stays while the camera runs, so that it can be pressed.
 * @param {Answer[]} answers
 * @param {number} chosen
 */
function showCrops(answers, chosen) {
  byId("seen").hidden = answers.length === 0;
  const several = answers.length > 1;
  const crops = byId("crops");
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

/**
 * Show a text in place of an answer.
 * @param {string} text
 */
export function message(text) {
  say("answer", text);
  byId("answer").classList.add("quiet");
  say("probability", "");
  say("times", "");
  byId("crops").replaceChildren();
  byId("seen").hidden = true;
  byId("bars").replaceChildren();
}

/** @param {Result} result @param {number} [fps] */
function times({ findMs, classifyMs, rejected }, fps) {
  const parts = [findMs === null ? [] : `find ${findMs.toFixed(1)} ms`, `classify ${classifyMs.toFixed(1)} ms`];
  if (fps) parts.push(`${fps.toFixed(0)} frames/s`);
  if (rejected) parts.push(`${rejected} rejected`);
  return parts.flat().join(" · ");
}

/**
 * The bars are made once for what is shown and moved from then on, so that they glide.
 * @param {string[]} labels
 */
function barsFor(labels) {
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
          element("span", { className: "track" }, [element("span", { className: "bar" })]),
          element("span", { className: "value" }),
        ]),
      ),
    );
  }

  /** @param {Answer | undefined} answer */
  function show(answer) {
    if (!answer) return byId("bars").replaceChildren();
    const { probabilities } = answer;
    const order = labels.map((_, id) => id);
    if (labels.length > MOST_BARS) order.sort((one, other) => probabilities[other] - probabilities[one]);
    rows(order.slice(0, MOST_BARS));
    shown.forEach((id, row) => {
      const item = byId("bars").children[row];
      item.classList.toggle("best", labels[id] === answer.label);
      within(item, ".bar").style.transform = `scaleX(${probabilities[id]})`;
      within(item, ".value").textContent = percent(probabilities[id]);
    });
  }

  return { show };
}

/**
 * The part of an element that was made with it.
 * @param {Element} element
 * @param {string} selector
 */
function within(element, selector) {
  return /** @type {HTMLElement} */ (element.querySelector(selector));
}

/** @param {HTMLCanvasElement} canvas @param {Picture} picture */
function paint(canvas, { pixels, height, width, channels }) {
  Object.assign(canvas, { width, height });
  const picture = new ImageData(width, height);
  for (let index = 0; index < height * width; index += 1) {
    for (let color = 0; color < 3; color += 1) {
      picture.data[4 * index + color] = pixels[channels * index + (channels === 1 ? 0 : color)];
    }
    picture.data[4 * index + 3] = 255;
  }
  painter(canvas).putImageData(picture, 0, 0);
}

/**
 * Draw the boxes of a result, or the part that was classified, over a picture of width x height.
 * @param {string} id of the drawing
 * @param {Size} picture
 * @param {Result} result
 */
function drawBoxes(id, { width, height }, result) {
  const svg = part(id, SVGSVGElement);
  const { window } = result;
  const cut = window && (window.width !== width || window.height !== height) ? placed(window) : null;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(
    ...(result.boxes ?? []).flatMap(([x, y, wide, high], index) => {
      const size = Math.max(width / 28, high / 4);
      const base = y > size * 1.2 ? y - size / 4 : y + high + size; // above the box, or below where that is outside
      return [
        shape("rect", { x, y, width: wide, height: high }),
        shape("text", { x, y: base, "font-size": size }, result.answers[index].label),
      ];
    }),
    ...(cut ? ["part ground", "part"] : []).map((name) => shape("rect", { ...cut, class: name })),
  );
}

/** @param {Window} window */
function placed({ left, top, width, height }) {
  return { x: left, y: top, width, height };
}

/** @param {string} name @param {Record<string, string | number>} attributes */
function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

/** @param {Card} card @param {number} bytes */
function showCard(card, bytes) {
  byId("model").textContent = card.name;
  document.title = `${card.name} – edgecnn`;
  const { height, width, channels } = card.input;
  const rows = [
    ["form", `${card.form}, ${(bytes / 1000).toFixed(0)} kB`],
    ["network", `${card.network}, ${card.parameters.toLocaleString("en")} parameters`],
    ["input", `${height} × ${width} ${channels === 1 ? "gray" : "RGB"}`],
    ["labels", card.labels.length > 20 ? `${card.labels.length}` : card.labels.join(", ")],
    ["trained on", `${card.dataset.train.toLocaleString("en")} images of ${card.dataset.name}`],
    ...card.metrics.map(({ split, images, accuracy }) => [
      `${split} accuracy`,
      `${(100 * accuracy).toFixed(2)} % of ${images.toLocaleString("en")} images`,
    ]),
    [
      "made with",
      Object.entries(card.versions)
        .map((pair) => pair.join(" "))
        .join(", "),
    ],
  ];
  byId("card").replaceChildren(
    ...rows.map(([name, value]) => element("div", {}, [element("dt", { text: name }), element("dd", { text: value })])),
  );
}
