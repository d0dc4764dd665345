// Confirm and undo: the page shows the outcome at once, the outbox makes it last.

import { announce } from "../dom.js";
import { plural } from "../format.js";
import { toast } from "../toast.js";
import { send } from "./outbox.js";
import { carried } from "./tile.js";

const GREY = "#8a94a1"; // of a label that is new
const without = (labels, names) => labels.filter((label) => !names.has(label.name));
const among = (labels, names) => labels.filter((label) => names.has(label.name));
const settled = (label) => ({ ...label, saving: false });

export class Decider {
  /** labels(): all of the server's; changed(): labels or undo stack changed; shown(ids, confirmed): these results look different now. */
  constructor({ selection, result, encoder, labels, shown, changed }) {
    Object.assign(this, { selection, result, encoder, labels, shown, changed, done: [] });
  }

  get undoable() {
    return this.done.length > 0;
  }

  async confirm(name) {
    const ids = this.selection.selected;
    if (!name || !ids.length) return;
    const results = ids.map((id) => this.result(id));
    const known = this.labels().find((one) => one.name === name);
    const label = { name, colour: known?.colour ?? GREY, state: "yes", origin: "person", saving: true };
    // A picture is one label of an exclusive group at most: with this one it is none of the others any more.
    const ends = new Set([name, ...(known?.exclusive ? this.labels().filter((one) => one.group === known.group).map((one) => one.name) : [])]);
    // What each image had of these labels: the others may change before this is taken back.
    const before = new Map(results.map((result) => [result.image_id, among(result.labels, ends).map(settled)]));
    const batch = { ids, before, label, ends, madeAt: performance.now(), answeredAt: Infinity };
    for (const result of results) result.labels = [...without(result.labels, ends), label];
    this.selection.settle(ids);
    batch.sent = send("/labels/decisions", {
      label: name, decision: "yes", image_ids: ids, encoder: this.encoder(), scores: results.map((result) => result.score),
    });
    this.done.push(batch);
    this.shown(ids, true);
    this.changed();
    try {
      const answer = await batch.sent.answer;
      this.settle(batch);
      if (!this.done.includes(batch)) return; // an undo is on its way, which tells more
      const already = answer.unchanged ? `, ${answer.unchanged} had it already` : "";
      toast(`${plural(answer.applied, "picture")} labelled ${name}${already}`, { action: { label: "Undo", run: () => this.undo(batch) } });
      this.changed(true);
    } catch (error) {
      this.done = this.done.filter((one) => one !== batch);
      batch.refused = true;
      if (error.elsewhere) {
        this.settle(batch);
        this.changed();
        toast(error.message, { bad: true, stay: true });
        return;
      }
      this.restore(batch);
      toast(`Nothing was labelled: ${error.message}`, { bad: true });
    }
  }

  /**
   * A decision about more than is shown, of which the page knows nothing by itself: again() looks at what is there now.
   * said(answer): what it did.
   */
  async beyond(path, json, { many, said, again }) {
    const batch = { ids: [], before: new Map(), label: {}, ends: new Set(), again, sent: send(path, json) };
    this.done.push(batch);
    this.changed();
    const close = toast(`Saving ${plural(many, "decision")}…`, { stay: true });
    try {
      const answer = await batch.sent.answer;
      if (answer.batch === null) this.done = this.done.filter((one) => one !== batch);
      if (this.done.includes(batch)) toast(said(answer), { action: { label: "Undo", run: () => this.undo(batch) } });
      else if (answer.batch === null) toast(said(answer), { bad: true });
      again();
    } catch (error) {
      this.done = this.done.filter((one) => one !== batch);
      batch.refused = true;
      toast(`Nothing was saved: ${error.message}`, { bad: true, stay: Boolean(error.elsewhere) });
    } finally {
      close();
      this.changed();
    }
  }

  /** Results that were asked for at `askedAt` do not know of a decision that was answered since, or not yet. */
  overlay(results, askedAt) {
    for (const batch of this.done) {
      if (batch.again || batch.answeredAt < askedAt) continue;
      const ids = new Set(batch.ids);
      for (const result of results) if (ids.has(result.image_id)) result.labels = [...without(result.labels, batch.ends), batch.label];
    }
  }

  settle(batch) {
    batch.answeredAt = performance.now();
    batch.label = settled(batch.label);
    for (const id of batch.ids) {
      const result = this.result(id);
      if (result) result.labels = result.labels.map((one) => (one.name === batch.label.name ? settled(one) : one));
    }
    this.shown(batch.ids);
  }

  /** Takes back this batch's label and no other; what is left without any is selected again. */
  restore(batch) {
    const later = this.done.filter((one) => one.madeAt > batch.madeAt);
    const bare = [];
    for (const id of batch.ids) {
      const before = batch.before.get(id);
      const since = later.filter((one) => one.before.has(id) && one.ends.has(batch.label.name));
      const other = since.findIndex((one) => one.label.name !== batch.label.name);
      // A later confirm of the same label found this one's there: without it, it would have found what this one found.
      for (const one of since.slice(0, other < 0 ? undefined : other)) one.before.set(id, before);
      const result = this.result(id);
      if (!result) continue;
      if (other < 0) result.labels = [...without(result.labels, batch.ends), ...before]; // else it is another label of the group since, and stays it
      if (!carried(result).length) bare.push(id);
    }
    this.selection.reopen(bare);
    this.shown(batch.ids);
    this.changed();
  }

  /** The last confirm, or the one given. */
  async undo(batch = this.done.at(-1)) {
    if (!batch) { toast("Nothing to undo here. Earlier confirms are on the History page."); return; }
    if (!this.done.includes(batch)) return;
    this.done = this.done.filter((one) => one !== batch);
    this.changed();
    try {
      const answer = await batch.sent.undo();
      if (batch.again) batch.again(); else this.restore(batch);
      const many = answer.images;
      toast(many ? `Undone: ${plural(many, "picture")} as before` : "Nothing was taken back: what was decided since stays");
      announce(many ? "Undone" : "Nothing was taken back");
      this.changed(true);
    } catch (error) {
      if (!batch.refused) toast(`Not undone: ${error.message}`, { bad: true });
    }
  }
}
