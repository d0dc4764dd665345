// Confirm and undo: the page shows the outcome at once, the outbox makes it last.

import { announce } from "../dom.js";
import { plural } from "../format.js";
import { toast } from "../toast.js";
import { send } from "./outbox.js";
import { carried } from "./tile.js";

const without = (labels, name) => labels.filter((label) => label.name !== name);
const settled = (label) => label && { ...label, saving: false };

export class Decider {
  /** changed(): labels or undo stack changed; shown(ids, confirmed): these results look different now. */
  constructor({ selection, result, encoder, colour, shown, changed }) {
    Object.assign(this, { selection, result, encoder, colour, shown, changed, done: [] });
  }

  get undoable() {
    return this.done.length > 0;
  }

  async confirm(name) {
    const ids = this.selection.selected;
    if (!name || !ids.length) return;
    const results = ids.map((id) => this.result(id));
    const label = { name, colour: this.colour(name), state: "yes", origin: "person", saving: true };
    // What each image had of this one label: the others may change before this is taken back.
    const before = new Map(results.map((result) => [result.image_id, settled(result.labels.find((one) => one.name === name))]));
    const batch = { ids, before, label, madeAt: performance.now(), answeredAt: Infinity };
    for (const result of results) result.labels = [...without(result.labels, name), label];
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
    const batch = { ids: [], before: new Map(), label: {}, again, sent: send(path, json) };
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
      for (const result of results) if (ids.has(result.image_id)) result.labels = [...without(result.labels, batch.label.name), batch.label];
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
    const { name } = batch.label;
    // A later confirm of the same label found this one's there: without it, it would have found what this one found.
    for (const later of this.done) if (later.label.name === name && later.madeAt > batch.madeAt) for (const [id, earlier] of batch.before) later.before.set(id, earlier);
    const bare = [];
    for (const id of batch.ids) {
      const result = this.result(id);
      if (!result) continue;
      const earlier = batch.before.get(id);
      result.labels = [...without(result.labels, name), ...(earlier ? [earlier] : [])];
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
      toast(`Undone: ${plural(answer.applied, "picture")} as before`);
      announce("Undone");
      this.changed(true);
    } catch (error) {
      if (!batch.refused) toast(`Not undone: ${error.message}`, { bad: true });
    }
  }
}
