// The input that is a file, chosen or dropped.
import { byId, painter, part, reason } from "./dom.js";

/** @import { Frame, Source } from "./types.d.ts" */

const LARGEST_PIXELS = 50e6;

/**
 * ``changed(frame)`` is awaited for each picture; ``said`` gets what is to be said where there is none.
 * @param {(frame: () => Frame) => Promise<void>} changed
 * @param {(text: string) => void} said
 * @returns {Source}
 */
export function pictures(changed, said) {
  const [drop, preview] = [byId("drop"), part("preview", HTMLCanvasElement)];
  const context = painter(preview, { willReadFrequently: true });

  const again = () => {
    if (preview.hidden) return said("Choose a picture");
    return changed(() => context.getImageData(0, 0, preview.width, preview.height));
  };

  /** @param {File | undefined} file */
  async function take(file) {
    if (!file) return;
    try {
      await paint(file);
      await again();
      byId("picture-name").textContent = file.name; // once its answer is there
    } catch (error) {
      empty();
      said(reason(error));
    }
  }

  function empty() {
    preview.hidden = true;
    byId("picture-boxes").replaceChildren();
    byId("picture-name").textContent = "";
  }

  /** @param {File} file */
  async function paint(file) {
    /** @type {ImageBitmapOptions} */
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" }; // the pixels as they are in the file
    const bitmap = await createImageBitmap(file, options).catch(() => {
      throw new Error(`${file.name} is not a picture that this browser reads. Try a PNG or JPEG.`);
    });
    if (bitmap.width * bitmap.height > LARGEST_PIXELS) {
      throw new Error(`${file.name} has over ${LARGEST_PIXELS / 1e6} million pixels. Scale it down first.`);
    }
    Object.assign(preview, { width: bitmap.width, height: bitmap.height, hidden: false });
    preview.classList.toggle("tiny", bitmap.width < 200);
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
  }

  const chooser = part("file", HTMLInputElement);
  chooser.addEventListener("change", () => {
    take(chooser.files?.[0]);
    chooser.value = ""; // the same file again is a change
  });
  for (const name of /** @type {const} */ (["dragover", "dragleave", "drop"])) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop") take(event.dataTransfer?.files[0]);
    });
  }
  return { open: again };
}
