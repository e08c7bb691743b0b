// The input that is a file, chosen, dropped or pasted.
import { byId, frameOf, painter, part, reason } from "./dom.js";

/** @import { Shot, Size, Source } from "./types.d.ts" */

const LARGEST_PIXELS = 50e6;
const READ_PIXELS = 4096 * 4096; // of a canvas that every browser has, those of phones as well

/**
 * ``changed(shot)`` is awaited for each picture; ``said`` gets what is to be said where there is none; ``show`` is called
 * where one comes while another input is open.
 * @param {(shot: Shot) => Promise<void>} changed
 * @param {(text: string) => void} said
 * @param {() => void} show
 * @returns {Source}
 */
export function pictures(changed, said, show) {
  const [drop, preview] = [byId("drop"), part("preview", HTMLCanvasElement)];
  const context = painter(preview, { willReadFrequently: true });
  /** @type {Shot | null} */
  let shot = null;
  let newest = 0;

  const actual = byId("actual");
  const again = () => (shot ? changed(shot) : said("Choose a picture"));

  /** @param {File | null | undefined} file */
  async function take(file) {
    if (!file) return;
    newest += 1; // what was read before is wanted no more
    const own = newest;
    try {
      const bitmap = await decoded(file);
      if (own !== newest) return bitmap.close();
      empty();
      const { width, height } = bitmap;
      paint(bitmap);
      actual.hidden = preview.width <= drop.clientWidth;
      const scaledFrom = width === preview.width && height === preview.height ? undefined : { width, height };
      shot = { frame: () => frameOf(context), scaledFrom, kept: {}, wanted: () => own === newest };
      await again();
      if (own === newest) byId("picture-name").textContent = file.name; // once its answer is there
    } catch (error) {
      if (own !== newest) return;
      empty();
      said(reason(error));
    }
  }

  function empty() {
    shot = null;
    preview.hidden = true;
    actual.hidden = true;
    enlarge(false);
    byId("picture-boxes").replaceChildren();
    byId("picture-name").textContent = "";
    byId("picture-looked").textContent = "";
  }

  /** Show the picture pixel by pixel, in a part that scrolls, or as a whole. @param {boolean} is */
  function enlarge(is) {
    actual.setAttribute("aria-pressed", String(is));
    drop.classList.toggle("actual", is);
    if (is) drop.tabIndex = 0;
    else drop.removeAttribute("tabindex");
    const { style } = part("picture-boxes", SVGSVGElement);
    style.width = is ? `${preview.width}px` : "";
    style.height = is ? `${preview.height}px` : "";
  }

  /** Paint a picture as it is, or as large as it may be, and let it go. @param {ImageBitmap} bitmap */
  function paint(bitmap) {
    Object.assign(preview, fitting(bitmap), { hidden: false });
    preview.classList.toggle("tiny", bitmap.width < 200);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, preview.width, preview.height);
    bitmap.close();
  }

  actual.addEventListener("click", () => {
    enlarge(!drop.classList.contains("actual"));
    again();
  });
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
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (!file) return;
    event.preventDefault();
    show();
    take(file);
  });
  return { open: again };
}

/** @param {File} file */
async function decoded(file) {
  /** @type {ImageBitmapOptions} */
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" }; // the pixels as they are in the file
  const bitmap = await createImageBitmap(file, options).catch(() => {
    throw new Error(`${file.name} is not a picture that this browser reads. Try a PNG or JPEG.`);
  });
  if (bitmap.width * bitmap.height <= LARGEST_PIXELS) return bitmap;
  bitmap.close();
  throw new Error(`${file.name} has over ${LARGEST_PIXELS / 1e6} million pixels. Scale it down first.`);
}

/** The size at which a picture is read: its own, unless that is too large. @param {Size} size @returns {Size} */
function fitting({ width, height }) {
  const scale = Math.min(1, Math.sqrt(READ_PIXELS / (width * height)));
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}
