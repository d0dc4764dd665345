// Two labels side by side: on either side the pictures of one that look most like the other.

import { announce, byId, h } from "../dom.js";
import { count, plural } from "../format.js";
import { hideMessage, showMessage } from "../search/message.js";
import { toast } from "../toast.js";
import { tagOf, took } from "./head.js";
import { Side } from "./side.js";

const FEW = 20; // pictures left on a side: more are asked for without waiting for its end to be reached
const LOOKED_AT = 250; // the pictures most likely wrong say with which label this one is mixed up

export class Compare {
  /** page: what the tabs of a label share; see main.js. */
  constructor(page) {
    Object.assign(this, { page, running: null, labels: [], pair: null });
    this.sides = ["mine", "theirs"].map((name) => new Side(name, { page, changed: () => this.paint() }));
  }

  /** The side that keys are for. */
  get side() {
    return this.sides.find((side) => side.grid.focused) ?? this.sides.find((side) => side.results.length) ?? this.sides[0];
  }

  get act() {
    return { ...this.side.chooser.act, clear: () => { for (const side of this.sides) side.clear(); return true; }, confirm: () => this.decide("other"), refuse: () => this.decide("neither") };
  }

  leave() {
    this.running?.abort();
    this.pair = null;
    for (const side of this.sides) side.leave();
    byId("sides").hidden = byId("line").hidden = true;
    this.page.bar.hide();
    this.page.view.dialog.close();
  }

  async load() {
    this.leave();
    hideMessage();
    const { page, sides } = this;
    const mine = new AbortController();
    this.running = mine;
    page.step("wait");
    byId("sides").hidden = false;
    for (const side of sides) side.wait();
    try {
      const other = await this.choose(mine.signal);
      if (mine.signal.aborted) return;
      if (other === null) { this.alone(); return; }
      const [one, two] = await Promise.all(sides.map((side, n) => side.load(n ? [other, page.id] : [page.id, other], mine.signal)));
      if (mine.signal.aborted) return;
      page.learn(one);
      this.show(one, two);
    } catch (error) {
      if (mine.signal.aborted) return;
      this.leave();
      page.fail(error);
    }
  }

  /** The label to compare with: the one asked for, else the one that most of the doubtful pictures look like. */
  async choose(signal) {
    const { page } = this;
    this.labels = (await page.get("/labels", signal)).labels.filter((label) => label.id !== page.id && label.yes);
    if (!this.labels.length) return null;
    let { other } = page.state;
    if (!this.labels.some((label) => label.id === other)) {
      const { results } = await page.ask(`review?limit=${LOOKED_AT}&everything=true`, signal);
      const votes = (label) => results.filter((result) => result.suggestion?.name === label.name).length;
      other = this.labels.reduce((best, label) => (votes(label) > votes(best) ? label : best)).id;
      if (signal.aborted) return null;
      page.note({ other });
    }
    byId("other").replaceChildren(...this.labels.map((label) => h("option", { value: String(label.id) }, `${label.name} (${count(label.yes)})`)));
    byId("other").value = other;
    return other;
  }

  alone() {
    this.leave();
    showMessage("There is no other label to compare with", "Two labels that carry pictures can be looked at side by side.", { actions: [{ label: "All labels", primary: true, run: () => { location.href = "/labels"; } }] });
    this.page.step("end");
  }

  show(one, two) {
    const pairs = [[one.label, one.other], [two.label, two.other]];
    this.pair = pairs[0];
    this.sides.forEach((side, n) => side.title(tagOf(pairs[n][0]), tagOf(pairs[n][1])));
    byId("line").hidden = false;
    byId("summary").replaceChildren(h("strong", {}, "Most easily mixed up first"), one.both ? ` · ${plural(one.both, "picture carries", "pictures carry")} both and ${one.both === 1 ? "is" : "are"} not shown` : "", took(one, two));
    this.paint();
    scrollTo({ top: 0 });
    this.page.step("page");
    announce(`${plural(one.total, "picture")} of ${one.label.name}, ${count(two.total)} of ${two.label.name}`);
  }

  paint() {
    for (const side of this.sides) side.paint();
    const shown = this.sides.reduce((sum, side) => sum + side.results.length, 0);
    if (!shown || !this.pair) { this.page.bar.hide(); return; }
    const moves = this.sides.map((side, n) => ({ many: side.selection.selected.length, to: this.pair[1 - n].name })).filter(({ many }) => many);
    const chosen = moves.reduce((sum, { many }) => sum + many, 0);
    this.page.bar.show({
      chosen, shown, word: "selected",
      confirm: chosen ? `Move ${moves.map(({ many, to }) => `${count(many)} to ${to}`).join(", ")}` : null,
      second: chosen ? "Neither" : null,
    });
  }

  /** What is selected on either side goes to the other label, or is neither. */
  decide(to) {
    const moves = this.sides.filter((side) => side.selection.selected.length);
    if (!moves.length) return false;
    const requests = moves.map((side) => side.request(to));
    const many = moves.reduce((sum, side) => sum + side.selection.selected.length, 0);
    for (const side of moves) side.drop(side.selection.selected);
    this.paint();
    this.settle(this.page.decider.decide(requests), `${plural(many, "picture")} ${to === "other" ? "moved" : "taken out"}`);
    return true;
  }

  async settle(answered, sentence) {
    try {
      if (await answered) this.page.say(sentence);
      if (this.page.shows(this)) for (const side of this.sides) if (side.results.length < FEW) side.more();
    } catch (error) {
      if (error.elsewhere || error.status === 404) { this.leave(); this.page.fail(error); return; }
      toast(`Not saved: ${error.message}`, { bad: true });
      if (this.page.shows(this)) this.load();
    }
  }
}
