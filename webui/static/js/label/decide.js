// Decisions about a label's images, sent through the outbox, and their undo: one for all that one key has decided.

import { send } from "../search/outbox.js";

export class LabelDecider {
  /** kept: what this tab remembers; changed(): there is more or less to undo. */
  constructor({ kept, changed }) {
    Object.assign(this, { kept, changed });
    this.done = kept.batches.map((one) => ({ ...one })); // those of before a reload have no `sent`
  }

  get undoable() {
    return this.done.length > 0;
  }

  /**
   * requests: [{ path, json }]. Resolves with their answers, or with null when it was taken back meanwhile; rejects when
   * one was refused. yes, no: how the images come again if they must. typical: see Kept.
   */
  async decide(requests, { yes = [], no = [] } = {}, typical = false) {
    this.kept.settle({ yes, no }, typical);
    const entry = { batches: [], yes, no, sent: requests.map(({ path, json }) => send(path, json)) };
    this.done.push(entry);
    this.changed();
    const outcomes = await Promise.allSettled(entry.sent.map((one) => one.answer));
    const answers = outcomes.filter((one) => one.status === "fulfilled").map((one) => one.value);
    const refused = outcomes.find((one) => one.status === "rejected")?.reason;
    const meant = this.done.includes(entry);
    entry.batches = answers.map((one) => one.batch);
    entry.sent = entry.sent.filter((_, n) => outcomes[n].status === "fulfilled");
    if (refused && !refused.elsewhere) this.kept.restore(entry);
    if (answers.length) this.remember(); else this.drop(entry);
    if (!meant) return null;
    if (refused) throw refused;
    return answers;
  }

  drop(entry) {
    this.done = this.done.filter((one) => one !== entry);
    this.remember();
    this.changed();
  }

  remember() {
    this.kept.batches = this.done.filter((one) => one.batches.length).map(({ batches, yes, no }) => ({ batches, yes, no }));
    this.kept.save();
  }

  /** Takes the last decision back; its pictures come again as they were decided. How many changed; null: there is none. */
  async undo() {
    const entry = this.done.at(-1);
    if (!entry) return null;
    this.drop(entry);
    const undone = entry.sent ? entry.sent.map((one) => one.undo()) : entry.batches.map((batch) => send(`/batches/${batch}/undo`, {}).answer);
    const answers = await Promise.all(undone);
    this.kept.restore(entry);
    return answers.reduce((sum, one) => sum + one.images, 0);
  }
}
