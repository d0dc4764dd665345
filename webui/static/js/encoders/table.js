// The table of encoders: training, figures, photos that each finds, and what can be done with it.

import { byId, h, icon } from "../dom.js";
import { bytes, count, percent } from "../format.js";
import { refused } from "../may.js";
import { figure } from "../metrics.js";

const HEADS = [["Encoder"], ["kNN", "number"], ["Linear probe", "number"], ["Precision@10", "number"], ["Photos it finds", "number"], ["", "number"]];
const METHODS = { simclr: "SimCLR", dcl: "DCL", byol: "BYOL", moco: "MoCo" };

export function training(encoder) {
  const method = encoder.method && (METHODS[encoder.method.toLowerCase()] ?? encoder.method);
  return [method, encoder.epochs === null ? null : `${count(encoder.epochs)} epochs`, encoder.backbone, `${encoder.input_size} px`,
    `${count(encoder.dimension)} numbers`, encoder.bytes === null ? "weights missing" : bytes(encoder.bytes)].filter(Boolean).join(" · ");
}

export class EncoderTable {
  constructor({ promote }) {
    this.promote = promote;
    this.shown = "";
  }

  /** Made anew only when something has changed: a button that is there stays, and keeps the focus. */
  show(rows, chosen = null) {
    const state = JSON.stringify([rows, chosen]);
    if (state === this.shown) return;
    this.shown = state;
    const focused = document.activeElement?.closest?.("[data-encoder] button") && document.activeElement.closest("[data-encoder]").dataset.encoder;
    byId("encoders").replaceChildren(rows.length ? this.table(rows, chosen) : h("div", { class: "nothing" }, icon("picture"), h("strong", {}, "No encoder yet"), h("p", {}, "ruiji up installs the one that comes with it.")));
    if (focused) document.querySelector(`[data-encoder="${focused}"] button`)?.focus();
  }

  table(rows, chosen) {
    const heads = HEADS.map(([name, kind]) => h("th", { scope: "col", class: kind ?? null }, name || h("span", { class: "visually-hidden" }, "Actions")));
    return h("div", { class: "table-wrap" }, h("table", { class: "encoders" }, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows.map((row) => this.row(row, chosen)))));
  }

  row(encoder, chosen) {
    const share = (value) => h("td", { class: "number" }, value === null ? "" : percent(value));
    const state = encoder.serving ? h("span", { class: "state done" }, "serving") : encoder.previous ? h("span", { class: "state" }, "served before") : null;
    const filling = encoder.job || (encoder.indexed > 0 && encoder.indexed < encoder.images);
    return h("tr", { "data-encoder": encoder.id, "aria-current": encoder.id === chosen ? "true" : null },
      h("td", {}, h("span", { class: "with-dot" }, encoder.name, state), h("span", { class: "trained" }, training(encoder)),
        h("span", { class: "mono dim", title: encoder.id }, encoder.id.slice(0, 16), encoder.parent ? ` from ${encoder.parent_name ?? encoder.parent.slice(0, 16)}` : "")),
      share(encoder.knn ?? figure(encoder.metrics, /^knn/i)), share(encoder.linear_probe ?? figure(encoder.metrics, /^(linear_)?probe/i)),
      share(encoder.precision_at_10 ?? figure(encoder.metrics, /^precision@10/i)),
      h("td", { class: "number" }, `${count(encoder.indexed)} of ${count(encoder.images)}`,
        filling ? h("progress", { class: "meter", max: Math.max(1, encoder.images), value: encoder.indexed, "aria-label": `Photos that ${encoder.name} finds` }) : null),
      h("td", {}, h("div", { class: "row-buttons" },
        encoder.serving ? null : h("button", { type: "button", class: `outline small${refused("promote")}`, onclick: () => this.promote(encoder) }, "Promote", h("span", { class: "visually-hidden" }, ` ${encoder.name}`)),
        h("a", { class: "button quiet small", href: `/api/v1/encoders/${encoder.id}/archive`, download: "" }, "Download", h("span", { class: "visually-hidden" }, ` ${encoder.name}`)))));
  }
}
