// The encoders page: what there is, how good each is, and which one serves.

import { api } from "./api.js";
import { byId, h, icon } from "./dom.js";
import { count, moment, percent } from "./format.js";
import { figure } from "./metrics.js";

function row(encoder) {
  const share = (pattern) => {
    const value = figure(encoder.metrics, pattern);
    return value === null ? "" : percent(value);
  };
  return h("tr", {},
    h("td", {}, h("span", { class: "with-dot" }, encoder.name, encoder.serving ? h("span", { class: "state done" }, "serving") : null), h("span", { class: "mono dim", title: encoder.id }, encoder.id.slice(0, 16))),
    h("td", { class: "number" }, `${encoder.input_size} px`), h("td", { class: "number" }, count(encoder.dimension)),
    h("td", { class: "number" }, share(/^knn/i)), h("td", { class: "number" }, share(/^precision_at_10|^precision@10/i)), h("td", { class: "number" }, share(/^(linear_)?probe/i)),
    h("td", { class: "dim" }, moment(encoder.created_at)));
}

async function show() {
  const place = byId("encoders");
  try {
    const { encoders } = await api("/encoders");
    const heads = [["Encoder"], ["Input", "number"], ["Dimension", "number"], ["kNN", "number"], ["Precision@10", "number"], ["Linear probe", "number"], ["Added"]];
    place.replaceChildren(encoders.length
      ? h("div", { class: "table-wrap" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads.map(([name, kind]) => h("th", { scope: "col", class: kind }, name)))), h("tbody", {}, ...encoders.map(row))))
      : h("div", { class: "nothing" }, icon("picture"), h("strong", {}, "No encoder yet"), h("p", {}, "ruiji up installs the one that comes with it.")));
  } catch (error) {
    place.replaceChildren(h("div", { class: "nothing" }, icon("alert"), h("strong", {}, "Encoders cannot be read now"), h("p", {}, error.message)));
  }
  place.removeAttribute("aria-busy");
}

show();
