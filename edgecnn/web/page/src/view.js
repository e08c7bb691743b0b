// What is shown: the answer, the crops that the network saw, bars, times, boxes and the card.

const MOST_BARS = 11; // ten digits and none; of more labels the likeliest
const SVG = "http://www.w3.org/2000/svg";
const percent = (value) => `${(100 * value).toFixed(value > 0.9995 || value < 0.0995 ? 2 : 1)} %`;
const byId = (id) => document.getElementById(id);

function element(name, { text, ...properties } = {}, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** Change a text only where it differs: what is spoken aloud is not said again for each frame. */
function say(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

/** Show the card, and return what shows answers and boxes. */
export function view(card, modelBytes) {
  showCard(card, modelBytes);
  const bars = barsFor(card.labels);
  let shown = { answers: [] };
  let chosen = 0;

  /** Show a result; ``fps`` only for the camera, ``empty`` is the text where there is nothing to answer. */
  function answer(result, { empty, fps }) {
    shown = result;
    chosen = Math.min(chosen, Math.max(0, result.answers.length - 1));
    say("answer", result.text || empty);
    byId("answer").classList.toggle("quiet", result.answers.length === 0);
    say("probability", result.boxes === null && result.answers.length ? percent(result.answers[0].probability) : "");
    say("times", times(result, fps));
    showCrops(result.answers, chosen);
    bars.show(result.answers[chosen]);
  }

  byId("crops").addEventListener("click", ({ target }) => {
    const index = Array.from(byId("crops").children).indexOf(target.closest("button"));
    if (index < 0) return;
    chosen = index;
    showCrops(shown.answers, chosen);
    bars.show(shown.answers[chosen]);
  });
  return { answer, boxes: drawBoxes };
}

/** One crop is a picture, of several each is a button, which stays while the camera runs, so that it can be pressed. */
function showCrops(answers, chosen) {
  byId("seen").hidden = answers.length === 0;
  const several = answers.length > 1;
  const crops = byId("crops");
  if (crops.querySelectorAll("button").length !== answers.length * several || !several) {
    const crop = () => (several ? element("button", { type: "button" }, [element("canvas")]) : element("canvas"));
    crops.replaceChildren(...answers.map(crop));
  }
  answers.forEach(({ image, label, probability }, index) => {
    const crop = crops.children[index];
    paint(several ? crop.firstChild : crop, image);
    crop.setAttribute("aria-label", `${label}, ${percent(probability)}`);
    if (several) crop.setAttribute("aria-pressed", String(index === chosen));
    else crop.setAttribute("role", "img");
  });
}

/** Show a text in place of an answer. */
export function message(text) {
  say("answer", text);
  byId("answer").classList.add("quiet");
  say("probability", "");
  say("times", "");
  byId("crops").replaceChildren();
  byId("seen").hidden = true;
  byId("bars").replaceChildren();
}

function times({ findMs, classifyMs, rejected }, fps) {
  const parts = [findMs === null ? [] : `find ${findMs.toFixed(1)} ms`, `classify ${classifyMs.toFixed(1)} ms`];
  if (fps) parts.push(`${fps.toFixed(0)} frames/s`);
  if (rejected) parts.push(`${rejected} rejected`);
  return parts.flat().join(" · ");
}

/** The bars are made once for what is shown and moved from then on, so that they glide. */
function barsFor(labels) {
  let shown = [];

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

  function show(answer) {
    if (!answer) return byId("bars").replaceChildren();
    const { probabilities } = answer;
    const order = labels.map((_, id) => id);
    if (labels.length > MOST_BARS) order.sort((one, other) => probabilities[other] - probabilities[one]);
    rows(order.slice(0, MOST_BARS));
    shown.forEach((id, row) => {
      const item = byId("bars").children[row];
      item.classList.toggle("best", labels[id] === answer.label);
      item.querySelector(".bar").style.transform = `scaleX(${probabilities[id]})`;
      item.querySelector(".value").textContent = percent(probabilities[id]);
    });
  }

  return { show };
}

function paint(canvas, { pixels, height, width, channels }) {
  Object.assign(canvas, { width, height });
  const picture = new ImageData(width, height);
  for (let index = 0; index < height * width; index += 1) {
    for (let colour = 0; colour < 3; colour += 1) {
      picture.data[4 * index + colour] = pixels[channels * index + (channels === 1 ? 0 : colour)];
    }
    picture.data[4 * index + 3] = 255;
  }
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

/** Draw the boxes of a result, or the part that was classified, over a picture of width x height. */
function drawBoxes(svg, { width, height }, result) {
  const part = result.window;
  const whole = part && part.width === width && part.height === height;
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
    ...(part && !whole ? ["part ground", "part"] : []).map((name) =>
      shape("rect", { x: part.left, y: part.top, width: part.width, height: part.height, class: name }),
    ),
  );
}

function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

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
    ["made with", Object.entries(card.versions).map((pair) => pair.join(" ")).join(", ")],
  ];
  byId("card").replaceChildren(
    ...rows.map(([name, value]) => element("div", {}, [element("dt", { text: name }), element("dd", { text: value })])),
  );
}
