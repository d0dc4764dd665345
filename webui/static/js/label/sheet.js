// One grid of a label's pictures, all of which a confirm decides: the selected stay, the others go.

import { api } from "../api.js";
import { announce, byId, h } from "../dom.js";
import { count, plural } from "../format.js";
import { Proposal } from "../hunt/proposal.js";
import { Chooser } from "../search/chooser.js";
import { hideMessage } from "../search/message.js";
import { Selection } from "../search/selection.js";
import { toast } from "../toast.js";
import { took } from "./head.js";
import { KINDS } from "./kinds.js";

const SETTLE_MS = 300; // a key pressed sooner was meant for the page before: nobody has seen this one yet

export class Sheet {
  /** page: what the tabs of a label share; see main.js. */
  constructor(page) {
    Object.assign(this, { page, found: null, results: [], shownAt: 0, walking: false, running: null });
    this.selection = new Selection();
    this.proposal = new Proposal(this.selection, page.kept);
    this.chooser = new Chooser({ selection: this.selection, results: () => this.results, changed: () => { this.proposal.note(); this.paint(); }, search: page.search, view: page.view });
    for (const [id, by] of [["earlier", -1], ["later", 1]]) byId(id).addEventListener("click", () => this.turn(by));
  }

  get kind() {
    return KINDS[this.page.state.tab];
  }

  get grid() {
    return this.chooser.grid;
  }

  get act() {
    return { ...this.chooser.act, confirm: () => this.confirm("request"), refuse: () => (byId("second").hidden ? false : this.confirm("only")) };
  }

  paint() {
    const decision = this.proposal.decision();
    this.grid.paint();
    this.page.bar.show({ chosen: decision.yes.length, shown: this.results.length, ...this.kind.bar(decision) });
  }

  leave() {
    this.running?.abort();
    Object.assign(this, { found: null, results: [] });
    this.selection.reset([], () => false);
    byId("results").hidden = byId("line").hidden = true;
    delete byId("grid").dataset.score;
    this.page.bar.hide();
    this.page.view.dialog.close();
  }

  /** What was shown goes at once: no key may act on what is no longer seen. */
  wait() {
    const many = this.results.length || 40;
    this.walking ||= Boolean(this.grid.focused);
    this.leave();
    hideMessage();
    byId("results").hidden = false;
    this.grid.wait(Math.min(many, 60));
  }

  async load() {
    this.wait();
    const { page, kind } = this;
    const mine = new AbortController();
    this.running = mine;
    page.step("wait");
    try {
      const found = await page.ask(kind.ask(page.state), mine.signal);
      if (mine.signal.aborted) return;
      // The end of the list may have been decided meanwhile.
      if (!found.results.length && found.total && page.state.from) { page.go({ from: 0 }, { replace: true }); return; }
      this.show(found);
    } catch (error) {
      if (mine.signal.aborted) return;
      this.leave();
      page.fail(error);
    }
  }

  show(found) {
    const { page, kind } = this;
    page.learn(found);
    byId("earlier").disabled = page.state.from === 0;
    byId("later").disabled = !(page.state.from + found.results.length < found.total);
    if (!found.results.length) {
      this.leave();
      byId("line").hidden = page.state.tab !== "review" || !found.label.yes;
      byId("summary").replaceChildren();
      kind.end(found, page);
      page.step("end");
      return;
    }
    this.found = found;
    this.shownAt = performance.now();
    this.results = found.results.map((result) => ({ ...result, home: found.label.id }));
    const byImage = new Map(this.results.map((result) => [result.image_id, result]));
    const cut = this.proposal.arrive({ kind: kind.arrives, results: this.results, cut: found.cut ?? null }, (id) => kind.otherwise(byImage.get(id)));
    if (found.sort === "unlike" && found.encoder) byId("grid").dataset.score = "cosine similarity to the rest of the label";
    this.grid.show(this.results.slice(0, cut));
    if (cut < this.results.length) this.grid.extend(this.results.slice(cut), kind.below);
    byId("line").hidden = false;
    byId("summary").replaceChildren(...kind.summary(found, page.state), took(found));
    this.paint();
    scrollTo({ top: 0 });
    if (this.walking) this.grid.focusOn(0);
    this.walking = false;
    page.step("page");
    announce(`${plural(this.results.length, "picture")}, ${count(this.selection.selected.length)} selected`);
  }

  /** Another page of the list, without a decision. */
  turn(by) {
    const { from, show } = this.page.state;
    this.page.go({ from: Math.max(0, from + by * show) });
  }

  confirm(what) {
    if (!this.found || performance.now() - this.shownAt < SETTLE_MS) return true;
    const { page, kind, found } = this;
    const { yes, no } = this.proposal.decision();
    const scores = Object.fromEntries(this.results.map((result) => [result.image_id, result.score]));
    const { path, json } = kind[what]({ yes, no }, { encoder: found.encoder, scores });
    const decided = what === "only" ? { yes: [], no } : { yes, no };
    this.settle(page.decider.decide([{ path: `/labels/${page.id}/${path}`, json }], decided, kind.typical), decided);
    return true;
  }

  async settle(answered, decided) {
    const { page, kind } = this;
    this.wait();
    try {
      const answers = await answered;
      if (!answers) return; // taken back meanwhile, which goes on by itself
      page.say(kind.done(answers[0], decided));
      if (!page.shows(this)) return;
      // What was looked through leaves the list, unless all of it is shown: then the next page starts behind it.
      if (page.state.tab === "review" && page.state.everything) { page.go({ from: page.state.from + decided.yes.length }, { replace: true }); return; }
    } catch (error) {
      if (error.elsewhere || error.status === 404) { this.leave(); page.fail(error); return; }
      toast(`Not saved: ${error.message} What you chose is kept: look once more, then confirm.`, { bad: true });
    }
    if (page.shows(this)) this.load();
  }
}
