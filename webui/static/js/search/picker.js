// The label field of the floating bar: pick a label or type a new one (ARIA combobox with a list).

import { byId, h } from "../dom.js";
import { count } from "../format.js";

export const tidy = (name) => name.normalize("NFC").replace(/\s+/g, " ").trim();
const fold = (name) => tidy(name).toLocaleLowerCase();

export class Picker {
  /** picked(): the label changed; done(): the person has chosen and wants to go on. */
  constructor({ picked, done }) {
    this.labels = [];
    this.at = -1;
    this.input = byId("label-input");
    this.list = byId("label-options");
    this.picked = picked;
    this.input.addEventListener("input", () => { this.at = -1; this.open(this.input.value); this.mark(); picked(); });
    this.input.addEventListener("focus", () => { this.input.select(); this.open(""); });
    this.input.addEventListener("click", () => this.open(""));
    this.input.addEventListener("blur", () => this.close());
    this.input.addEventListener("keydown", (event) => this.key(event, done));
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault(); // keeps the focus in the field until the choice is made
      const option = event.target.closest("li");
      if (option) { this.value = option.dataset.name; this.close(); done(); }
    });
  }

  get value() {
    const typed = tidy(this.input.value);
    const known = this.labels.find((label) => label.name === typed) ?? this.labels.find((label) => fold(label.name) === fold(typed));
    return known?.name ?? typed;
  }

  set value(name) {
    this.input.value = name;
    this.mark();
    this.picked();
  }

  offer(labels) {
    this.labels = labels;
    this.mark();
  }

  mark() {
    const known = this.labels.find((label) => label.name === this.value);
    byId("picked-dot").style.setProperty("--c", known?.colour ?? "transparent");
  }

  open(text) {
    const typed = tidy(text);
    const found = this.labels.filter((label) => fold(label.name).includes(fold(typed)));
    const options = found.map((label) => ({ name: label.name, nodes: [h("i", { class: "dot", vars: { c: label.colour } }), h("span", { class: "cut-text" }, label.name), h("b", {}, count(label.yes)), this.labels.indexOf(label) < 9 ? h("kbd", { "aria-hidden": "true" }, String(this.labels.indexOf(label) + 1)) : null].filter(Boolean) }));
    if (typed && !found.some((label) => fold(label.name) === fold(typed))) options.push({ name: typed, create: true, nodes: [`New label “${typed}”`] });
    this.list.replaceChildren(...options.map((option, n) => h("li", { role: "option", id: `label-option-${n}`, class: option.create ? "create" : null, "aria-selected": "false", "data-name": option.name }, ...option.nodes)));
    this.list.hidden = !options.length;
    this.input.setAttribute("aria-expanded", String(options.length > 0));
    this.input.removeAttribute("aria-activedescendant");
    this.at = -1;
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  step(by) {
    const options = [...this.list.children];
    if (this.list.hidden) this.open("");
    if (!options.length) return;
    options[this.at]?.setAttribute("aria-selected", "false");
    this.at = (this.at + by + options.length + (this.at < 0 && by < 0 ? 1 : 0)) % options.length;
    options[this.at].setAttribute("aria-selected", "true");
    options[this.at].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", options[this.at].id);
  }

  key(event, done) {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.at >= 0) this.value = this.list.children[this.at].dataset.name;
      this.close();
      if (this.value) done();
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.close();
      done();
    }
  }
}
