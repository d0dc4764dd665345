// Before all that match are decided: the exact number, what they are already, some of them, and what shall become of them.

import { byId, h } from "../dom.js";
import { count, fileName, plural } from "../format.js";

const SETTLE_MS = 300; // a key pressed sooner, or held down since, was meant for the page
const plain = (n) => plural(n, "picture");

/** What each decision does to each kind of picture. always: these; ask: these if the person says so; rest: they stay. */
const PLANS = {
  yes: {
    verb: "Label", title: (label, which) => `Label ${which} as ${label}?`,
    always: [["plain", (n, label) => `${n === 1 ? "has" : "have"} no label: ${n === 1 ? "it becomes" : "they become"} ${label}`]],
    ask: [["other", (n) => `${n === 1 ? "has" : "have"} another label: label ${n === 1 ? "it" : "them"} too`], ["no", (n, label) => `${n === 1 ? "was" : "were"} said not to be ${label}: label ${n === 1 ? "it" : "them"} too`]],
    rest: [["yes", (n, label) => `${n === 1 ? "is" : "are"} ${label} already`]],
  },
  no: {
    verb: "Rule out", title: (label, which) => `Rule out that ${which} are ${label}?`,
    always: [["plain", (n, label) => `${n === 1 ? "has" : "have"} no label: not ${label}`], ["other", (n, label) => `${n === 1 ? "has" : "have"} another label, which ${n === 1 ? "stays" : "stay"}: not ${label}`]],
    ask: [["yes", (n, label) => `${n === 1 ? "is" : "are"} ${label}: take that from ${n === 1 ? "it" : "them"}`]],
    rest: [["no", (n) => `${n === 1 ? "was" : "were"} ruled out already`]],
  },
  unknown: {
    verb: "Clear", title: (label, which) => `Take back what was decided about ${label} for ${which}?`,
    always: [["yes", (n, label) => `${n === 1 ? "is" : "are"} ${label}: that is taken back`], ["no", (n, label) => `${n === 1 ? "was" : "were"} said not to be ${label}: that is taken back`]],
    ask: [],
    rest: [["plain", () => "and nothing was decided about them"], ["other", (n, label) => `${n === 1 ? "has" : "have"} another label: nothing was decided about ${label}`]],
  },
};

export class WholeDialog {
  /** go(plan, { decision, kinds, many }): the person agreed; closed(): it went, however it did. which: what is meant. */
  constructor({ go, closed, which = "that match" }) {
    Object.assign(this, { go, which, plan: null, openedAt: 0 });
    this.dialog = byId("whole-dialog");
    this.form = byId("whole-form");
    this.also = new Set(); // kinds that the person chose
    byId("whole-cancel").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", closed);
    this.dialog.addEventListener("keydown", (event) => {
      const early = event.repeat || performance.now() - this.openedAt < SETTLE_MS;
      if (early && (event.key === "Enter" || event.key === " ")) event.preventDefault();
    });
    for (const radio of this.form.elements.decision) radio.addEventListener("change", () => { this.also.clear(); this.draw(); });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.many) return;
      const { decision, kinds, many } = this;
      this.dialog.close();
      this.go(this.plan, { decision, kinds, many });
    });
  }

  /** words: what they have in common; sure: Enter may agree at once, for something bounds them. */
  open(plan, { words, sure }) {
    this.plan = plan;
    this.openedAt = performance.now();
    this.also.clear();
    const { label } = plan;
    byId("whole-drawn-text").textContent = plan.drawn.length < plan.matched ? `${words} ${plural(plan.drawn.length, "picture")} drawn at random:` : words;
    byId("whole-drawn").replaceChildren(...plan.drawn.map((one) => h("img", { src: one.thumbnail, alt: "", title: fileName(one.path), width: 72, height: 72 })));
    byId("whole-yes").textContent = `They are ${label}`;
    byId("whole-no").textContent = `They are not ${label}`;
    byId("whole-unknown").textContent = `Take back what was decided about ${label}`;
    this.form.elements.decision.value = "yes";
    this.draw();
    this.dialog.showModal();
    byId(sure ? "whole-go" : "whole-cancel").focus();
  }

  get decision() {
    return this.form.elements.decision.value;
  }

  get kinds() {
    const { always, ask } = PLANS[this.decision];
    return [...always.map(([kind]) => kind), ...ask.map(([kind]) => kind).filter((kind) => this.also.has(kind))];
  }

  get many() {
    return this.kinds.reduce((sum, kind) => sum + this.plan[kind], 0);
  }

  draw() {
    const { plan } = this;
    const { always, ask, rest } = PLANS[this.decision];
    const words = (kind, say) => [h("b", {}, count(plan[kind])), " ", h("span", {}, say(plan[kind], plan.label))];
    const there = ([kind]) => plan[kind] > 0;
    byId("whole-parts").replaceChildren(
      ...always.filter(there).map(([kind, say]) => h("li", { class: "does", "data-kind": kind }, ...words(kind, say))),
      ...ask.filter(there).map(([kind, say]) => h("li", { "data-kind": kind }, h("label", { class: "option" }, this.box(kind), ...words(kind, say)), kind === "other" ? this.ended() : null)),
      ...rest.filter(there).map(([kind, say]) => h("li", { class: "dim", "data-kind": kind }, ...words(kind, say))));
    this.state();
  }

  box(kind) {
    return h("input", { type: "checkbox", checked: this.also.has(kind), onchange: (event) => { this.also[event.target.checked ? "add" : "delete"](kind); this.state(); } });
  }

  ended() {
    const { rivals, group } = this.plan;
    if (!rivals || this.decision !== "yes") return null;
    return h("p", { class: "whole-ended" }, `${plain(rivals)} of these ${rivals === 1 ? "is" : "are"} another ${group}, and would be that no longer.`);
  }

  state() {
    const { plan, many } = this;
    const { verb, title } = PLANS[this.decision];
    const which = many === plan.matched ? `all ${count(many)} pictures ${this.which}` : `${count(many)} of the ${count(plan.matched)} pictures ${this.which}`;
    byId("whole-title").textContent = title(plan.label, many ? which : `none of the ${count(plan.matched)} pictures ${this.which}`);
    byId("whole-go").textContent = `${verb} ${plain(many)}`;
    byId("whole-go").disabled = !many;
  }
}
