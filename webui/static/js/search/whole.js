// More than the page: once all that is shown is selected, all that match can be, and are held still by the server.

import { api } from "../api.js";
import { announce, byId, debounce, h } from "../dom.js";
import { count, plural } from "../format.js";

const SETTLE_MS = 300;
const COUNTING_MS = 60000; // a least score is compared with every vector there is

export class Whole {
  /** request(): the conditions as the API names them, null when there are none; changed(): another selection. */
  constructor({ selection, request, changed }) {
    Object.assign(this, { selection, request, changed, running: null });
    this.countSoon = debounce(SETTLE_MS, () => this.count());
    this.forget();
  }

  /** Another search, or other conditions: what was found belongs to the one before. */
  forget() {
    this.countSoon.cancel();
    this.running?.abort();
    Object.assign(this, { running: null, taking: null, matched: null, token: null, problem: null });
    this.draw();
  }

  /** All that match are selected, whatever was taken out of them. */
  get active() {
    return this.token !== null;
  }

  get full() {
    const { shown, chosen } = this.selection;
    return shown.length > 0 && shown.every((id) => chosen.has(id));
  }

  /** There is more that matches than is shown. */
  get more() {
    return this.matched > this.selection.shown.length;
  }

  /** Taken out by hand. */
  get out() {
    return this.selection.shown.filter((id) => this.selection.out.has(id));
  }

  /** How many are selected, and of how many. */
  get figures() {
    const { selection, matched, out } = this;
    return this.active ? { selected: matched - out.length, shown: matched } : { selected: selection.selected.length, shown: selection.shown.length };
  }

  /** The selection has changed. */
  look() {
    if (this.active && !this.selection.selected.length) this.end();
    if (!this.active && this.full && this.matched === null && !this.problem && !this.running && this.request()) this.countSoon();
    this.draw();
  }

  async ask(keep) {
    this.countSoon.cancel();
    const request = this.request();
    if (!request) return null;
    this.running?.abort();
    const mine = new AbortController();
    this.running = mine;
    this.problem = null;
    this.draw();
    try {
      const found = await api("/matches", { method: "POST", json: { ...request, keep }, signal: mine.signal, timeout: COUNTING_MS });
      return mine.signal.aborted ? null : found;
    } catch (error) {
      if (!mine.signal.aborted) this.problem = error.message;
      return null;
    } finally {
      if (this.running === mine) this.running = null;
    }
  }

  async count() {
    const found = await this.ask(false);
    if (found) this.matched = found.matched;
    this.draw();
  }

  /** From now on these very images are meant, whatever comes to match. taking: resolves when that is so, or is not. */
  take() {
    this.selection.byHand = true;
    const mine = this.hold().then(() => { if (this.taking === mine) this.taking = null; });
    this.taking = mine;
    return mine;
  }

  async hold() {
    const found = await this.ask(true);
    if (found) {
      this.matched = found.matched;
      if (this.full && this.more) {
        this.token = found.token;
        announce(`All ${count(found.matched)} that match are selected`);
      }
    }
    this.changed();
  }

  /** Ctrl+A: all that is shown, then all that match, then none. The first keeps a page that arrived selected: nobody chose it. */
  next() {
    const { selection } = this;
    if (this.active) { this.end(); selection.clear(); }
    else if (!this.full) selection.all();
    else if (!selection.byHand && this.request()) { selection.byHand = true; announce(this.sentence); }
    else if (this.request() && (this.matched === null || this.more) && !this.problem) { this.take(); return; }
    else { this.forget(); selection.clear(); }
    this.changed();
  }

  end() {
    this.token = null;
  }

  /** More tiles were loaded: they are among those that match. */
  extend(ids) {
    if (this.active) for (const id of ids) this.selection.set(id, true);
  }

  /** How all that are selected stand to the label. */
  plan(label) {
    return api(`/matches/${this.token}/plan`, { method: "POST", json: { label, out: this.out }, timeout: COUNTING_MS });
  }

  draw() {
    const parts = this.parts();
    byId("whole-offer").hidden = !parts;
    // Drawn anew only when it says something else: a button that has the focus keeps it.
    const said = parts?.map((part) => part.textContent).join(" ") ?? "";
    if (said !== this.said) byId("whole-offer").replaceChildren(...(parts ?? []));
    this.said = said;
  }

  get sentence() {
    const all = `All ${plural(this.selection.shown.length, "picture")} shown are selected.`;
    return this.selection.byHand && this.more ? `${all} Ctrl+A again for all ${count(this.matched)} that match.` : all;
  }

  /** What the strip holds, null for none. */
  parts() {
    const button = (text, run, key = null) => h("button", { type: "button", class: "quiet small", onclick: run }, text, key && h("kbd", { "aria-hidden": "true" }, key));
    if (this.active) {
      const taken = this.out.length ? `, ${count(this.out.length)} taken out` : "";
      return [h("span", {}, h("b", {}, `All ${count(this.matched)} that match`), ` are selected${taken}.`), button("Only this page", () => { this.end(); this.changed(); })];
    }
    if (!this.full) return null;
    if (this.running) return [h("span", {}, "Counting all that match…")];
    if (this.problem) return [h("span", {}, `What matches could not be counted. ${this.problem}`)];
    if (!this.more) return null;
    return [h("span", {}, this.sentence), button(`Select all ${count(this.matched)} that match`, () => this.take(), "Ctrl A")];
  }
}
