// The left panel: label and source filters with their counts, and the score slider over the answer's histogram.

import { api } from "../api.js";
import { byId, debounce, h } from "../dom.js";
import { count } from "../format.js";
import { hasFilter } from "./state.js";

const BARS = 40;

export class Filters {
  /** change(part): a filter that the server applies; cut(min, settled): the score slider, applied here. */
  constructor({ change, cut, clear }) {
    this.change = change;
    this.labels = [];
    this.sources = [];
    byId("unlabelled").addEventListener("change", (event) => change({ unlabelled: event.target.checked, ...(event.target.checked ? { labels: [] } : {}) }));
    byId("hide-own").addEventListener("change", (event) => change({ hideOwn: event.target.checked }));
    byId("any-way").addEventListener("change", (event) => change({ anyWay: event.target.checked, min: null }));
    byId("clear-filters").addEventListener("click", clear);
    const slider = byId("min-score");
    this.settle = debounce(250, (min) => cut(min, true));
    slider.addEventListener("input", () => {
      const min = Number(slider.value) <= Number(slider.min) ? null : Number(slider.value);
      this.markCut(min);
      cut(min, false);
      this.settle(min);
    });
  }

  /** The search changes: a score that is still settling belonged to the one before. */
  dropCut() {
    this.settle.cancel();
  }

  /** state() is asked when the answers are there: the search may have changed meanwhile. */
  async refresh(state) {
    const [labels, sources] = await Promise.all([api("/labels"), api("/sources")]);
    this.labels = labels.labels;
    this.sources = sources.sources;
    this.draw(state());
  }

  draw(state) {
    const focused = document.activeElement?.dataset?.filter;
    const groups = Map.groupBy ? Map.groupBy(this.labels, (label) => label.group ?? "") : new Map([["", this.labels]]);
    const rows = [];
    for (const [group, labels] of [...groups].sort(([a], [b]) => a.localeCompare(b))) {
      if (group) rows.push(h("h3", {}, group));
      rows.push(...labels.map((label) => this.row(`label:${label.name}`, label.name, label.yes, state.labels.includes(label.name), label.colour,
        () => this.change({ labels: toggled(state.labels, label.name), unlabelled: false }))));
    }
    if (rows.length) byId("label-list").replaceChildren(...rows);
    const sources = this.sources.map((source) => this.row(`source:${source.id}`, source.name, source.images, state.sources.includes(source.id), null,
      () => this.change({ sources: toggled(state.sources, source.id) }), source.root));
    if (sources.length) byId("source-list").replaceChildren(...sources);
    byId("unlabelled").checked = state.unlabelled;
    byId("hide-own").checked = state.hideOwn;
    byId("any-way").checked = state.anyWay;
    byId("clear-filters").hidden = !hasFilter(state);
    if (focused) document.querySelector(`[data-filter="${CSS.escape(focused)}"]`)?.focus();
  }

  row(key, name, amount, pressed, colour, press, title = null) {
    return h("button", { type: "button", class: "filter", "aria-pressed": String(pressed), "data-filter": key, title: title ?? name, onclick: press },
      colour === null ? null : h("i", { class: "dot", vars: { c: colour } }),
      h("span", { class: "name cut-text" }, name), h("b", {}, count(amount)));
  }

  /**
   * The slider spans the scores that there are: encoders differ in how close their neighbours lie. more: it reaches half as
   * far again below them, for all that match can be selected, shown or not.
   */
  scores(results, min, more = false) {
    const values = results.map((result) => result.score);
    byId("score-filter").hidden = !values.length;
    if (!values.length) return;
    const below = more ? (Math.max(...values) - Math.min(...values)) / 2 : 0;
    const low = Math.floor(Math.min(Math.min(...values) - below, min ?? 1) * 50) / 50 - 0.02;
    const high = Math.min(1, Math.ceil(Math.max(...values) * 50) / 50);
    const slider = byId("min-score");
    slider.min = low.toFixed(3);
    slider.max = Math.max(high, low + 0.02).toFixed(3);
    slider.value = min ?? slider.min;
    const bins = new Array(BARS).fill(0);
    for (const value of values) bins[Math.min(BARS - 1, Math.max(0, Math.floor(((value - low) / (high - low || 1)) * BARS)))] += 1;
    const most = Math.max(...bins);
    byId("histogram").replaceChildren(...bins.map((n) => h("i", { vars: { h: (n / most).toFixed(3) } })));
    this.markCut(min);
  }

  markCut(min) {
    byId("min-score-value").textContent = min === null ? "any" : min.toFixed(2);
    const { min: low, max: high } = byId("min-score");
    [...byId("histogram").children].forEach((bar, n) => bar.classList.toggle("below", min !== null && Number(low) + ((n + 0.5) / BARS) * (high - low) < min));
  }
}

const toggled = (list, value) => (list.includes(value) ? list.filter((one) => one !== value) : [...list, value]);
