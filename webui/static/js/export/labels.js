// Which labels are meant: all of them, or those that are ticked.

import { h } from "../dom.js";
import { count } from "../format.js";
import { runsOf } from "./runs.js";

export class LabelChoice {
  constructor(place, { changed }) {
    Object.assign(this, { place, changed, labels: [], out: new Set() });
  }

  /** wanted(id): whether that label is meant. */
  show(labels, wanted) {
    this.labels = labels;
    this.out = new Set(labels.map((label) => label.id).filter((id) => !wanted(id)));
    this.all = h("input", { type: "checkbox", onchange: (event) => this.every(event.target.checked) });
    this.boxes = new Map(labels.map((label) => [label.id, h("input", { type: "checkbox", onchange: (event) => this.turn(label, event.target.checked) })]));
    this.place.replaceChildren(
      h("label", { class: "check all" }, this.all, h("b", {}, "All labels"), h("span", { class: "number dim" }, count(labels.length))),
      h("div", { class: "boxes" }, ...labels.map((label) => h("label", { class: "check" }, this.boxes.get(label.id),
        h("i", { class: "dot", vars: { c: label.colour } }), h("span", { class: "cut-text", title: label.name }, label.name), h("span", { class: "number dim" }, count(label.yes))))));
    this.paint();
  }

  get empty() {
    return this.out.size >= this.labels.length;
  }

  /** None where all are meant: a label that is made later is meant too. */
  get named() {
    return this.out.size ? this.labels.filter((label) => !this.out.has(label.id)) : [];
  }

  /** The same for an address, as the API reads it: the labels that are meant, or those that are not, if that is shorter. */
  get asked() {
    const known = this.labels.map((label) => label.id).sort((a, b) => a - b);
    const without = runsOf(known.filter((id) => this.out.has(id)), known);
    if (!without || this.empty) return {};
    const labels = runsOf(known.filter((id) => !this.out.has(id)), known);
    return labels.length <= without.length ? { labels } : { without };
  }

  every(on) {
    this.out = new Set(on ? [] : this.labels.map((label) => label.id));
    this.paint();
    this.changed();
  }

  turn(label, on) {
    this.out[on ? "delete" : "add"](label.id);
    this.paint();
    this.changed();
  }

  paint() {
    this.all.checked = !this.out.size;
    this.all.indeterminate = this.out.size > 0 && !this.empty;
    for (const [id, box] of this.boxes) box.checked = !this.out.has(id);
  }
}
