// The labels page: every label with its colour, its count, and a new one.

import { api } from "./api.js";
import { byId, h, icon } from "./dom.js";
import { count, plural } from "./format.js";

function table(labels) {
  const grouped = labels.some((label) => label.group);
  const most = Math.max(1, ...labels.map((label) => label.yes));
  const rows = labels.map((label) => h("tr", {},
    h("td", {}, h("span", { class: "with-dot" }, h("i", { class: "dot", vars: { c: label.colour } }), label.name)),
    grouped ? h("td", { class: "dim" }, label.group ?? "") : null,
    h("td", {}, h("div", { class: "share", vars: { share: (100 * label.yes) / most, c: label.colour } }, h("i"))),
    h("td", { class: "number" }, count(label.yes)), h("td", { class: "number dim" }, label.no ? count(label.no) : "")));
  const heads = [["Label"], ...(grouped ? [["Group"]] : []), ["Share"], ["Pictures", "number"], ["Ruled out", "number"]];
  return h("div", { class: "table-wrap" }, h("table", {},
    h("thead", {}, h("tr", {}, ...heads.map(([name, kind]) => h("th", { scope: "col", class: kind }, name)))), h("tbody", {}, ...rows)));
}

async function show() {
  const place = byId("labels");
  try {
    const [{ labels }, { counts }] = await Promise.all([api("/labels"), api("/status")]);
    byId("labels-summary").textContent = `${plural(labels.length, "label")} · ${plural(counts.labelled, "picture")} labelled · ${count(counts.unlabelled)} not yet`;
    place.replaceChildren(labels.length ? table(labels) : h("div", { class: "nothing" }, icon("check"), h("strong", {}, "No labels yet"),
      h("p", {}, "Search by a picture, take out the wrong ones, type a label and press Enter. Or add a folder whose sub-folders are labels.")));
  } catch (error) {
    place.replaceChildren(h("div", { class: "nothing" }, icon("alert"), h("strong", {}, "Labels cannot be read now"), h("p", {}, error.message)));
  }
  place.removeAttribute("aria-busy");
}

byId("new-label").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = byId("label-error");
  problem.hidden = true;
  try {
    await api("/labels", { method: "POST", json: { name: byId("new-label-name").value } });
    event.target.reset();
    await show();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});

show();
