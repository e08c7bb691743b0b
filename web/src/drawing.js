// The input that is drawn: the paper, its pen for the keyboard, and the switch between one digit and many.
import { byId, part } from "./dom.js";
import { paper } from "./paper.js";

/** @import { Shot, Source } from "./types.d.ts" */

const ONE = { width: 280, height: 280, thickness: 22 };
const MANY = { width: 480, height: 320, thickness: 14 };

/**
 * ``recognized`` is called after each change; ``invitation`` gives the text of an empty paper.
 * @param {(shot: Shot) => void} recognized
 * @param {() => string} invitation
 * @returns {Source}
 */
export function drawing(recognized, invitation) {
  const canvas = part("paper", HTMLCanvasElement);
  const [single, several] = [part("one", HTMLInputElement), part("many", HTMLInputElement)];
  const sheet = paper(canvas, ONE, { changed, penMoved });
  byId("clear").addEventListener("click", sheet.clear);
  for (const mode of [single, several]) {
    mode.addEventListener("change", () => {
      sheet.resize(several.checked ? MANY : ONE);
      byId("draw").classList.toggle("wide", several.checked);
      byId("paper").setAttribute("aria-label", several.checked ? "Drawing area for many digits" : "Drawing area");
    });
  }

  function changed() {
    recognized({ frame: sheet.frame, empty: sheet.blank() ? invitation() : undefined, one: !several.checked });
  }

  /** @param {{ x: number, y: number, down: boolean }} pen */
  function penMoved({ x, y, down }) {
    byId("pen").style.left = `${(100 * x) / canvas.width}%`;
    byId("pen").style.top = `${(100 * y) / canvas.height}%`;
    byId("pen").classList.toggle("down", down);
    byId("pen-state").textContent = down ? "pen down" : "pen up";
  }

  return { open: changed };
}
