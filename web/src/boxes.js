// Where digits were read, drawn over the picture as edgecnn/digits/overlay.py does it, and what of it was looked at.
import { confidence } from "./answer.js";
import { part } from "./dom.js";

/** @import { Answer, Box, Result, Size, Window } from "./types.d.ts" */

const SVG = "http://www.w3.org/2000/svg";
const SURE = 0.9; // from there on a digit stands alone
const [LEAST, MOST] = [10, 64]; // pixels of the screen, of the writing
const SHARE = 0.3; // of the digits' typical height
const [LETTER, LINE] = [0.62, 1.15]; // width and height of a character, by the size of the writing
const NATIVE = 640; // pixels that a detector sees of the longer side of a frame

/**
 * Draw the boxes of a result, or the part that was classified, over the picture that it is of. A digit stands beside its
 * box, all in one size, where it covers neither a box nor another digit; where digits are smaller on the screen than
 * their writing would be, boxes stand alone.
 * @param {string} id of the drawing
 * @param {Result} result
 */
export function showBoxes(id, { size, boxes, answers, signs, window }) {
  const svg = part(id, SVGSVGElement);
  svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
  const pixel = size.width / (svg.clientWidth || size.width); // of the screen, in pixels of the picture
  const places = boxes ?? [];
  const heights = places.map((box) => box[3]).sort((one, other) => one - other);
  const height = heights[heights.length >> 1] ?? 0;
  const type = Math.min(MOST * pixel, Math.max(LEAST * pixel, SHARE * height));
  const tiny = height < LEAST * pixel;
  svg.classList.toggle("tiny", tiny);
  const taken = [...places, ...signs.map(({ box }) => box)];
  svg.replaceChildren(
    ...places.map(([x, y, width, height], index) =>
      shape("rect", { x, y, width, height, class: confidence(answers[index].probability) }),
    ),
    ...signs.map(({ box: [x, y, width, height] }) => shape("rect", { x, y, width, height, class: confidence(1) })),
    ...(tiny ? [] : places).flatMap((box, index) => labeled(box, answers[index], type, size, taken)),
    ...(tiny ? [] : signs).flatMap(({ box, label }) => labeled(box, { label, probability: 1 }, type, size, taken)),
    ...(window && isPart(window, size) ? ["part ground", "part"] : []).map((name) =>
      shape("rect", { ...placed(/** @type {Window} */ (window)), class: name }),
    ),
  );
}

/**
 * Say how a picture was looked at where not all of its pixels were, or they were looked at in parts.
 * @param {Result} result
 * @param {{ scaledFrom?: Size, video: boolean }} options
 */
export function lookedAt({ size, looks, window }, { scaledFrom, video }) {
  const said = scaledFrom ? [`Read at ${sides(size)} pixels, scaled down from ${sides(scaledFrom)}.`] : [];
  if (window && isPart(window, size)) {
    said.push(`Only what is framed was classified: ${sides(window)} of ${sides(size)} pixels.`);
  } else if (looks && video && Math.max(size.width, size.height) > NATIVE * 1.01) {
    said.push(
      `Looked at once, at ${NATIVE} of ${Math.max(size.width, size.height)} pixels: small digits need a picture.`,
    );
  } else if (looks && looks.all > 1) {
    const passed = looks.all - looks.done;
    const empty = passed ? `; ${passed} more show nothing` : "";
    said.push(`Looked at as a whole and in ${looks.done - 1} parts, down to its pixels${empty}.`);
  }
  return said.join(" ");
}

/**
 * The label of a box, or nothing where there is no room for it; the room that it takes is added to what is taken.
 * @param {Box} box
 * @param {{ label: string, probability: number }} answer
 * @param {number} type
 * @param {Size} size
 * @param {Box[]} taken
 */
function labeled([x, y, width, height], { label, probability }, type, size, taken) {
  const text = probability >= SURE ? label : `${label} ${Math.round(100 * probability)}%`;
  const [wide, tall, gap] = [LETTER * type * text.length, LINE * type, type / 8];
  const beside = [
    [x, y - tall - gap],
    [x, y + height + gap],
    [x + width + gap, y],
    [x - wide - gap, y],
  ];
  const free = beside.find(
    ([left, top]) =>
      left >= 0 &&
      top >= 0 &&
      left + wide <= size.width &&
      top + tall <= size.height &&
      !taken.some((other) => meet([left, top, wide, tall], other)),
  );
  if (!free) return [];
  taken.push([...free, wide, tall]);
  return [shape("text", { x: free[0], y: free[1] + 0.85 * tall, "font-size": type }, text)];
}

/** @param {Box} one @param {Box} other */
function meet([x, y, width, height], [left, top, wide, high]) {
  return x < left + wide && left < x + width && y < top + high && top < y + height;
}

/** @param {Window} window @param {Size} size */
function isPart({ width, height }, size) {
  return width !== size.width || height !== size.height;
}

/** @param {Window} window */
function placed({ left, top, width, height }) {
  return { x: left, y: top, width, height };
}

/** @param {Size} size */
function sides({ width, height }) {
  return `${width} × ${height}`;
}

/** @param {string} name @param {Record<string, string | number>} attributes */
function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}
