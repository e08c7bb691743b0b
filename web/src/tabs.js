// The tabs, arrow keys included.
import { byId } from "./dom.js";

/**
 * Wire them; returns what opens one by its name.
 * @param {string[]} names
 * @param {(name: string) => void} opened
 */
export function tabs(names, opened) {
  /** @param {string} name */
  function show(name) {
    for (const each of names) {
      byId(`tab-${each}`).setAttribute("aria-selected", String(each === name));
      byId(`tab-${each}`).tabIndex = each === name ? 0 : -1;
      byId(each).hidden = each !== name;
    }
    opened(name);
  }
  names.forEach((name) => {
    byId(`tab-${name}`).addEventListener("click", () => show(name));
    byId(`tab-${name}`).addEventListener("keydown", ({ key }) => {
      const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
      if (step === 0) return;
      const usable = names.filter((each) => !byId(`tab-${each}`).hidden);
      const next = usable[(usable.indexOf(name) + step + usable.length) % usable.length];
      show(next);
      byId(`tab-${next}`).focus();
    });
  });
  return show;
}
