// Two encoders on the same questions: how far their answers agree, whose are right more often, and both side by side.

import { api } from "../api.js";
import { byId, h } from "../dom.js";
import { count, fileName, percent, plural } from "../format.js";

const K = 10;
const PATIENCE_MS = 60_000;
const LABELS_SHOWN = 12;

export class Comparison {
  constructor() {
    this.clear();
  }

  clear() {
    this.asked = "";
    this.turn = 0; // an answer that comes after a newer question is dropped
    byId("compare-says").textContent = "Once some photos are embedded.";
    byId("step-compare").classList.remove("done");
    byId("sides").hidden = true;
    for (const id of ["compare-labels", "questions", "sides"]) byId(id).replaceChildren();
  }

  /** Asked as soon as both have vectors, and once more when the second has all. */
  async show(first, second, { final }) {
    const key = `${first.id} ${second.id} ${final}`;
    if (!second.indexed || key === this.asked) return;
    const alone = !this.asked.startsWith(`${first.id} ${second.id}`);
    if (!final && !alone) return;
    this.asked = key;
    Object.assign(this, { first, second });
    byId("compare-says").textContent = "Asking both…";
    try {
      const found = await api(`/encoders/compare?first=${first.id}&second=${second.id}&k=${K}`, { timeout: PATIENCE_MS });
      if (key !== this.asked) return;
      this.figures(found);
      byId("step-compare").classList.toggle("done", final);
      if (alone || !byId("questions").children.length) this.offer(found.questions);
    } catch (error) {
      if (key !== this.asked) return;
      byId("compare-says").textContent = error.message;
    }
  }

  figures(found) {
    const { first, second } = this;
    if (found.overlap === null) {
      byId("compare-says").textContent = "No photo is embedded by both yet.";
      return;
    }
    const right = found.first === null
      ? "Too few labelled photos to tell which is right more often."
      : `Of the ${found.k} nearest of ${plural(found.labelled, "labelled photo")}, ${percent(found.first)} have the same label with ${first.name}, ${percent(found.second)} with ${second.name}.`;
    byId("compare-says").textContent = `${percent(found.overlap, 0)} of their ${found.k} nearest are the same, over ${plural(found.queries, "photo")}. ${right}`;
    const rows = [...found.by_label].sort((a, b) => Math.abs(b.second - b.first) - Math.abs(a.second - a.first)).slice(0, LABELS_SHOWN);
    byId("compare-labels").replaceChildren(rows.length
      ? h("table", {},
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, `Precision@${found.k} of`), h("th", { scope: "col", class: "number" }, first.name), h("th", { scope: "col", class: "number" }, second.name), h("th", { scope: "col", class: "number" }, "Photos"))),
        h("tbody", {}, ...rows.map((row) => h("tr", {}, h("td", {}, row.label), h("td", { class: "number" }, percent(row.first)), h("td", { class: "number" }, percent(row.second)), h("td", { class: "number" }, count(row.queries))))))
      : "");
  }

  offer(questions) {
    const buttons = questions.map(({ image_id, thumbnail }, index) => h("button", { type: "button", "aria-pressed": "false", "aria-label": `Ask both about photo ${index + 1}`, onclick: () => this.ask(image_id, index) }, h("img", { src: thumbnail, alt: "", loading: "lazy" })));
    byId("questions").replaceChildren(...buttons);
    if (questions.length) this.ask(questions[0].image_id, 0);
  }

  async ask(image_id, index) {
    const turn = ++this.turn;
    [...byId("questions").children].forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
    try {
      const answer = await api("/encoders/compare", { method: "POST", json: { first: this.first.id, second: this.second.id, k: K, image_id }, timeout: PATIENCE_MS });
      if (turn === this.turn) this.sides(answer);
    } catch (error) {
      if (turn === this.turn) byId("sides").replaceChildren(h("p", { class: "form-error" }, error.message));
    }
    byId("sides").hidden = false;
  }

  sides(answer) {
    const results = answer.sides.map((side) => side.results.filter((hit) => !hit.own_copy).slice(0, answer.k));
    const ids = results.map((side) => new Set(side.map((hit) => hit.image_id)));
    byId("sides").replaceChildren(...results.map((side, at) => {
      const { name } = at ? this.second : this.first;
      const other = ids[1 - at];
      const alone = side.filter((hit) => !other.has(hit.image_id)).length;
      return h("div", {}, h("h4", {}, `${name}${alone ? ` · ${alone} that the other has not` : ""}`),
        h("ul", {}, ...side.map((hit) => {
          const labels = hit.labels.filter((label) => label.state === "yes").map((label) => label.name).join(", ");
          return h("li", { class: other.has(hit.image_id) ? null : "alone", title: hit.path }, h("img", { src: hit.thumbnail, alt: fileName(hit.path), loading: "lazy" }), h("span", {}, labels), hit.score.toFixed(2));
        })));
    }));
  }
}
