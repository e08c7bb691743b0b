// The paper: light ink on black, by mouse, finger, pen or keyboard.

import { frameOf, painter } from "./dom.js";

/** @typedef {{ x: number, y: number }} Point */
/** @typedef {{ width: number, height: number, thickness: number }} Sheet in pixels of the canvas */

const STEP = 1 / 14; // of the height, for an arrow key; with shift a quarter of it
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Make a canvas drawable. ``changed`` is called after each change, ``penMoved({ x, y, down })`` after a key moved the pen.
 * Returns { clear, resize, frame, blank }, where frame() is what is on it. Another size keeps what was drawn.
 * @param {HTMLCanvasElement} canvas
 * @param {Sheet} size
 * @param {{ changed: () => void, penMoved: (pen: Point & { down: boolean }) => void }} calls
 */
export function paper(canvas, size, { changed, penMoved }) {
  const context = painter(canvas, { willReadFrequently: true });
  const pen = { x: 0, y: 0, down: false };
  /** @type {Map<number, Point>} */
  const strokes = new Map(); // pointer id -> where it was last
  /** @type {[Point, Point][]} */
  let lines = [];
  let sheet = size;

  function blacken() {
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
  }

  function clear() {
    lines = [];
    blacken();
    changed();
  }

  /** @param {Sheet} next */
  function resize(next) {
    const scale = Math.min(next.width / sheet.width, next.height / sheet.height);
    /** @param {Point} point */
    const moved = ({ x, y }) => ({
      x: (x - sheet.width / 2) * scale + next.width / 2,
      y: (y - sheet.height / 2) * scale + next.height / 2,
    });
    lines = lines.map(([from, to]) => [moved(from), moved(to)]);
    Object.assign(pen, moved(pen));
    sheet = next;
    Object.assign(canvas, { width: next.width, height: next.height });
    blacken();
    for (const [from, to] of lines) ink(from, to);
    penMoved(pen);
    changed();
  }

  /** @param {Point} from @param {Point} to */
  function ink(from, to) {
    context.strokeStyle = "#fff";
    context.lineCap = "round";
    context.lineJoin = "round";
    context.lineWidth = sheet.thickness;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }

  /** @param {Point} from @param {Point} to */
  function line(from, to) {
    lines.push([{ ...from }, { ...to }]);
    ink(from, to);
    changed();
  }

  /** @param {PointerEvent} event */
  function place(event) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return { x: ((event.clientX - left) * canvas.width) / width, y: ((event.clientY - top) * canvas.height) / height };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    strokes.set(event.pointerId, place(event));
    line(place(event), place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    let last = strokes.get(event.pointerId);
    if (last === undefined) return;
    const between = event.getCoalescedEvents?.() ?? []; // not every browser has them, and some give none
    for (const step of between.length ? between : [event]) {
      line(last, place(step));
      last = place(step);
      strokes.set(event.pointerId, last);
    }
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    canvas.addEventListener(end, (event) => strokes.delete(event.pointerId));
  }

  /** @param {[number, number]} direction @param {boolean} fine */
  function movePen([right, down], fine) {
    const step = canvas.height * STEP * (fine ? 0.25 : 1);
    const from = { ...pen };
    pen.x = Math.min(canvas.width, Math.max(0, pen.x + right * step));
    pen.y = Math.min(canvas.height, Math.max(0, pen.y + down * step));
    if (pen.down) line(from, pen);
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in ARROWS) {
      movePen(ARROWS[event.key], event.shiftKey);
    } else if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) line(pen, pen);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
    } else {
      return;
    }
    event.preventDefault();
    penMoved(pen);
  });

  Object.assign(canvas, { width: size.width, height: size.height });
  Object.assign(pen, { x: size.width / 2, y: size.height / 4 });
  blacken();
  penMoved(pen);
  return {
    clear,
    resize,
    frame: () => frameOf(context),
    blank: () => lines.length === 0,
  };
}
