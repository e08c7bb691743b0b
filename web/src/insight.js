// What can be looked at beside an answer, each loaded when it is first asked for: feature maps, and a second model.
import { kilobytes } from "./card.js";
import { classifier } from "./classifier.js";
import { byId, element, painter, part, percent, reason, say } from "./dom.js";
import { load } from "./load.js";
import { featureMaps } from "./maps.js";
import { layers } from "./tap.js";

/** @import { Answer, Card, Maps, Result, Second, ServedModel, Site } from "./types.d.ts" */

const [ACROSS, MOST] = [8, 16]; // maps in a row, and of one layer

/**
 * Wire both switches; ``changed`` is called when one was turned. Returns { maps, second }, which are to be asked for each
 * result: they do nothing while their switch is off.
 * @param {Site} site
 * @param {Uint8Array} model
 * @param {() => void} changed
 */
export function insight(site, model, changed) {
  const { other } = site;
  const maps = switched("show-maps", () => featureMaps(model), changed);
  const second = switched("show-other", () => opened(/** @type {ServedModel} */ (other)), changed);
  const any = layers(model).length > 0;
  byId("closer").hidden = !any && !other;
  byId("maps-switch").hidden = !any;
  byId("other-switch").hidden = !other;
  if (other) say("other-name", `Compare with ${named(site.model, other)}`);

  return {
    /** Show the maps of one answer, or none. @param {Answer | undefined} answer */
    async maps(answer) {
      const run = maps();
      byId("maps").hidden = !run;
      document.body.classList.toggle("with-maps", Boolean(run));
      if (run) showMaps(answer ? await run(answer.image) : []);
    },
    /** Ask the second model for its word, or return null. @param {Answer[]} answers @returns {Promise<Second | null>} */
    async second(answers) {
      const run = second();
      return run ? run(answers) : null;
    },
    /** @param {Result} result @param {Second | null} second @param {number} chosen */
    compare: (result, second, chosen) => showModels(site, result, second, chosen),
  };
}

/**
 * A switch: what is returned gives what it opens, or null while it is off or loading.
 * @template Opened
 * @param {string} id
 * @param {() => Promise<Opened>} open
 * @param {() => void} changed
 */
function switched(id, open, changed) {
  const box = part(id, HTMLInputElement);
  /** @type {Opened | null} */
  let opened = null;
  box.addEventListener("change", async () => {
    say("closer-state", box.checked && !opened ? "Loading …" : "");
    try {
      if (box.checked) opened ??= await open();
      say("closer-state", "");
    } catch (error) {
      box.checked = false;
      say("closer-state", `This could not be loaded: ${reason(error)}`);
    }
    changed();
  });
  return () => (box.checked ? opened : null);
}

/** @param {ServedModel} served */
async function opened(served) {
  const [bytes] = await load([served], (here, all) => say("closer-state", `Loading, ${percent(here / all)}`));
  const { card, classify } = await classifier(bytes, served);
  /** @param {Answer[]} answers @returns {Promise<Second>} */
  return async (answers) => {
    const start = performance.now();
    const own = await classify(answers.map(({ image }) => image));
    return { card, answers: own, classifyMs: performance.now() - start };
  };
}

/** What tells a model from another: its form, or where that is the same its name. @param {ServedModel} one @param {ServedModel} other */
function named({ card }, other) {
  return other.card.form === card.form ? other.card.name : other.card.form;
}

/** @param {Maps[]} layers */
function showMaps(layers) {
  const box = byId("layers");
  say("maps-empty", layers.length ? "" : "They come with the first answer.");
  if (box.children.length !== layers.length) {
    box.replaceChildren(...layers.map(() => element("figure", {}, [element("canvas"), element("figcaption")])));
  }
  layers.forEach((layer, index) => {
    const [canvas, caption] = box.children[index].children;
    const count = Math.min(MOST, layer.channels);
    const shown = count < layer.channels ? `${count} of ${layer.channels}` : `${layer.channels}`;
    const text = `Convolution ${index + 1}: ${shown} maps of ${layer.height} × ${layer.width}`;
    if (caption.textContent !== text) caption.textContent = text;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", text);
    paintMaps(/** @type {HTMLCanvasElement} */ (canvas), layer, count);
  });
}

/**
 * Paint maps in rows with a pixel between them, all of a layer on one scale: from 0, or the least where that is below,
 * to the largest.
 * @param {HTMLCanvasElement} canvas
 * @param {Maps} maps
 * @param {number} count
 */
function paintMaps(canvas, { values, height, width }, count) {
  const size = height * width;
  let [least, most] = [0, 1e-9];
  for (let index = 0; index < count * size; index += 1) {
    least = Math.min(least, values[index]);
    most = Math.max(most, values[index]);
  }
  Object.assign(canvas, { width: ACROSS * (width + 1) - 1, height: Math.ceil(count / ACROSS) * (height + 1) - 1 });
  const picture = new ImageData(canvas.width, canvas.height);
  for (let index = 0; index < count * size; index += 1) {
    const plane = Math.floor(index / size);
    const x = (plane % ACROSS) * (width + 1) + (index % width);
    const y = Math.floor(plane / ACROSS) * (height + 1) + Math.floor((index % size) / width);
    const gray = (255 * (values[index] - least)) / (most - least);
    picture.data.set([gray, gray, gray, 255], 4 * (y * canvas.width + x));
  }
  painter(canvas).putImageData(picture, 0, 0);
}

/**
 * Both models on the same pixels.
 * @param {Site} site
 * @param {Result} result
 * @param {Second | null} second
 * @param {number} chosen
 */
function showModels({ model, other }, result, second, chosen) {
  byId("models").hidden = !second || !other || result.answers.length === 0;
  if (!second || !other || result.answers.length === 0) return;
  byId("rows").replaceChildren(
    row(named(other, model), model, result.answers[chosen], result.classifyMs),
    row(named(model, other), other, second.answers[chosen], second.classifyMs),
  );
  const differing = result.answers.filter(({ label }, index) => label !== second.answers[index].label).length;
  const gap = Math.max(...result.answers.map((answer, index) => largestGap(answer, second.answers[index])));
  const verdict = differing ? differently(differing, result.answers.length) : "Both give the same answer";
  const points = (100 * gap).toFixed(2);
  say(
    "agreement",
    `${verdict}, with ${points === "0.00" ? "the same probabilities" : `up to ${points} points between them`}.`,
  );
}

/** @param {number} differing @param {number} all */
function differently(differing, all) {
  return all === 1 ? "They give different answers" : `They differ in ${differing} of ${all}`;
}

/** @param {string} name @param {ServedModel} served @param {Answer} answer @param {number} ms */
function row(name, { bytes }, { label, probability }, ms) {
  const size = element("span", { className: "hint", text: kilobytes(bytes) });
  return element("tr", {}, [
    element("th", { scope: "row" }, [name, size]),
    ...[label, percent(probability), `${ms.toFixed(1)} ms`].map((text) => element("td", { text })),
  ]);
}

/** @param {Answer} one @param {Answer} other */
function largestGap(one, other) {
  return Math.max(...one.probabilities.map((value, id) => Math.abs(value - other.probabilities[id])));
}
