// Decisions of a hunt, sent through the outbox, and their undo. The page itself never waits for nothing: it asks for the
// next step when the answer is there.

import { send } from "../search/outbox.js";

export class HuntDecider {
  /** kept: what this tab remembers; changed(): there is more or less to undo. */
  constructor(huntId, { kept, changed }) {
    Object.assign(this, { path: `/hunts/${huntId}`, kept, changed });
    this.done = kept.batches.map((one) => ({ ...one })); // those of before a reload have no `sent`
  }

  get undoable() {
    return this.done.length > 0;
  }

  /** typical: see Kept. of: the step's token, encoder and scores. Resolves with the answer, or with null when it was taken back meanwhile; rejects when it was refused. */
  decide(of, { yes, no }, typical) {
    this.kept.settle({ yes, no }, typical);
    return this.hand(`${this.path}/decisions`, { ...of, yes, no }, { yes, no });
  }

  accept(token, accept) {
    return this.hand(`${this.path}/accept`, { token, accept }, { yes: [], no: [] });
  }

  /** Pictures that are on no page: a plan that the server keeps under this token. */
  beyond(token, { decision, kinds }) {
    return this.hand(`/matches/${token}/decisions`, { decision, kinds }, { yes: [], no: [] });
  }

  async hand(path, json, { yes, no }) {
    const entry = { batch: null, yes, no, sent: send(path, json) };
    this.done.push(entry);
    this.changed();
    try {
      const answer = await entry.sent.answer;
      entry.batch = answer.batch;
      if (!this.done.includes(entry)) return null;
      if (answer.batch === null) this.drop(entry); // nothing was labelled: nothing to undo
      this.remember();
      return answer;
    } catch (error) {
      const meant = this.done.includes(entry);
      this.drop(entry);
      if (!error.elsewhere) this.kept.restore(entry);
      if (!meant) return null;
      throw error;
    }
  }

  drop(entry) {
    this.done = this.done.filter((one) => one !== entry);
    this.remember();
    this.changed();
  }

  remember() {
    this.kept.batches = this.done.filter((one) => one.batch !== null).map(({ batch, yes, no }) => ({ batch, yes, no }));
    this.kept.save();
  }

  /** Takes the last decision back; its pictures come again as they were decided. Null when there is none. */
  async undo() {
    const entry = this.done.at(-1);
    if (!entry) return null;
    this.drop(entry);
    const answer = await (entry.sent ? entry.sent.undo() : send(`/batches/${entry.batch}/undo`, {}).answer);
    this.kept.restore(entry);
    return answer;
  }
}
