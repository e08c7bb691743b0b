// The model's card, as far as a reader of the page asks.
import { byId, element } from "./dom.js";

/** @import { ServedModel } from "./types.d.ts" */

/** @param {ServedModel} model */
export function showCard({ card, bytes }) {
  const { height, width, channels } = card.input;
  const input = `${height} × ${width} ${channels === 1 ? "gray" : "RGB"}`;
  byId("model").textContent = card.name;
  byId("about").textContent = `${card.form} · ${kilobytes(bytes)} · ${input}`;
  document.title = `${card.name} – edgecnn`;
  const rows = [
    ["Form", `${card.form}, ${kilobytes(bytes)}`],
    ["Network", `${card.network}, ${card.parameters.toLocaleString("en")} parameters`],
    ["Input", input],
    ["Labels", card.labels.length > 20 ? `${card.labels.length}` : card.labels.join(", ")],
    ["Trained on", `${card.dataset.train.toLocaleString("en")} images of ${card.dataset.name}`],
    ...card.metrics.map(({ split, images, metric, value }) => [
      `${split[0].toUpperCase()}${split.slice(1)} ${metric}`,
      `${(100 * value).toFixed(2)} % of ${images.toLocaleString("en")} images`,
    ]),
    [
      "Made with",
      Object.entries(card.versions)
        .map((pair) => pair.join(" "))
        .join(", "),
    ],
  ];
  byId("card").replaceChildren(
    ...rows.map(([name, value]) => element("div", {}, [element("dt", { text: name }), element("dd", { text: value })])),
  );
}

/** @param {number} bytes */
export function kilobytes(bytes) {
  return `${(bytes / 1000).toLocaleString("en", { maximumFractionDigits: 0 })} kB`;
}

/** @param {number} bytes */
export function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}
