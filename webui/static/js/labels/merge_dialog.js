// Merging a label into another one: what will happen is counted and said first, and one undo takes it back.

import { api } from "../api.js";
import { byId, h } from "../dom.js";
import { count, plural } from "../format.js";
import { send } from "../search/outbox.js";
import { toast } from "../toast.js";
import { FormDialog } from "./form_dialog.js";

/** What a plan says, line by line: how many pictures, what becomes of them, and how much that matters. */
function lines(plan, label, into) {
  const [one, is] = [(n) => n === 1, (n) => (n === 1 ? "is" : "are")];
  return [
    [plan.yes, (n) => `${one(n) ? "becomes" : "become"} ${into.name}`, "does"],
    [plan.no, (n) => `${is(n)} ruled out for ${into.name}`, "does"],
    [plan.ended, (n) => `of these ${is(n)} another ${into.group}, and will be that no longer`, "bad"],
    [plan.same, (n) => `${one(n) ? "leaves" : "leave"} ${into.name} as it is: what was decided there holds`, "dim"],
    [plan.contradictions, (n) => `${one(n) ? "contradicts" : "contradict"} what was decided about ${into.name}, and ${one(n) ? "stays" : "stay"} as ${one(n) ? "it is" : "they are"}`, "bad"],
  ].filter(([many]) => many > 0).map(([many, say, kind]) => h("li", { class: kind }, h("b", {}, plural(many, "picture")), h("span", {}, say(many))));
}

export class MergeDialog {
  /** now(): the labels there are; changed(): they are others. */
  constructor({ now, changed }) {
    Object.assign(this, { now, changed, label: null, asked: 0 });
    this.box = new FormDialog("merge", () => this.send());
    byId("merge-into").addEventListener("change", () => this.plan());
  }

  open(label, into = null) {
    this.label = label;
    const others = this.now().labels.filter((one) => one.id !== label.id);
    byId("merge-title").textContent = `Merge ${label.name} into another label`;
    byId("merge-into").replaceChildren(
      h("option", { value: "" }, others.length ? "Choose a label" : "There is no other label"),
      ...others.map((one) => h("option", { value: one.id }, `${one.name} (${count(one.yes)})`)));
    byId("merge-into").value = into?.id ?? "";
    this.box.open(byId("merge-into"));
    this.plan();
  }

  get into() {
    return this.now().labels.find((one) => String(one.id) === byId("merge-into").value);
  }

  async plan() {
    const { label, into } = this;
    const mine = ++this.asked;
    this.box.say(null);
    this.box.busy(true);
    this.box.go.textContent = "Merge";
    byId("merge-parts").hidden = byId("merge-after").hidden = true;
    if (!into) return;
    try {
      const plan = await api(`/labels/${label.id}/merge?into=${encodeURIComponent(into.name)}`, { timeout: 60000 });
      if (mine === this.asked) this.state(plan, into);
    } catch (error) {
      if (mine === this.asked) this.box.say(error.message);
    }
  }

  state(plan, into) {
    const { label } = this;
    const left = plan.contradictions;
    const parts = lines(plan, label, into);
    byId("merge-parts").hidden = !parts.length;
    byId("merge-parts").replaceChildren(...parts);
    byId("merge-after").hidden = false;
    byId("merge-after").textContent = left
      ? `${label.name} stays in the list with the ${plural(left, "picture")} that ${left === 1 ? "contradicts" : "contradict"}. One undo takes the rest back.`
      : `${label.name} leaves the list, and its name means ${into.name} from then on. One undo takes all of it back.`;
    this.box.go.textContent = `Merge ${label.name} into ${into.name}`;
    this.box.busy(false);
  }

  async send() {
    const { label, into } = this;
    const sent = send(`/labels/${label.id}/merge`, { into: into.name });
    const done = await sent.answer;
    this.box.dialog.close();
    const left = done.contradictions ? `, ${count(done.contradictions)} contradict and stay` : "";
    toast(`${label.name} merged into ${into.name}: ${plural(done.moved, "picture")}${left}`, { action: { label: "Undo", run: () => this.undo(sent, label) } });
    this.changed();
  }

  async undo(sent, label) {
    try {
      await sent.undo();
      toast(`${label.name} is as before`);
    } catch (error) {
      toast(`Not undone: ${error.message}`, { bad: true });
    }
    this.changed();
  }
}
