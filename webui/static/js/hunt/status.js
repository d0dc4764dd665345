// The state of a hunt: its label, what was found, and the estimate of what is left.

import { byId, h } from "../dom.js";
import { count, inkOn, percent } from "../format.js";

const clamp = (value) => Math.min(100, Math.max(0, value)).toFixed(2);

export class Status {
  constructor({ finish, check }) {
    byId("finish").addEventListener("click", finish);
    byId("check").addEventListener("click", check);
  }

  hunt(hunt) {
    const tag = byId("hunt-label");
    tag.textContent = hunt.label.name;
    tag.style.setProperty("--c", hunt.label.colour);
    tag.style.setProperty("--ink", inkOn(hunt.label.colour));
    for (const id of ["finish", "check"]) byId(id).hidden = hunt.finished_at !== null;
    this.label = hunt.label.name;
    this.figures(hunt);
  }

  figures({ found, rejected }) {
    byId("hunt-figures").replaceChildren(h("b", {}, count(found)), " found", h("span", { class: "dim" }, ` · ${count(rejected)} rejected`));
    document.title = `${this.label}: ${count(found)} found · Hunt · Ruiji`;
  }

  /** estimate: null as long as nothing can be said. */
  estimate(estimate, { found }) {
    const [bar, text] = [byId("estimate"), byId("estimate-text")];
    bar.hidden = text.hidden = !estimate;
    byId("finish").classList.toggle("primary", estimate?.advice === "nearly_all");
    byId("finish").classList.toggle("outline", estimate?.advice !== "nearly_all");
    if (!estimate) return;
    const whole = Math.max(1, found + estimate.high); // the bar's right end: as many as there may be
    const at = (n) => clamp((100 * (found + n)) / whole);
    const set = (name, value) => bar.style.setProperty(`--${name}`, value);
    set("got", at(0));
    set("low", at(estimate.low));
    set("high", at(estimate.high));
    set("mid", at(estimate.remaining));
    const range = `${count(estimate.low)} to ${count(estimate.high)}`;
    bar.setAttribute("aria-label", `${count(found)} found; about ${count(estimate.remaining)} remain, between ${range}`);
    bar.title = `About ${count(estimate.remaining)} remain, between ${range}; ${percent(estimate.recall_low, 0)} to ${percent(estimate.recall_high, 0)} are found`;
    bar.classList.toggle("unsure", estimate.advice === "cannot_tell");
    text.className = `estimate-text ${estimate.advice.replace("_", "-")}`;
    text.textContent = estimate.text;
  }

  /** No estimate holds while there is no step. */
  quiet() {
    for (const id of ["estimate", "estimate-text"]) byId(id).hidden = true;
  }
}
