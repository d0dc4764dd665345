// All above the line, on whatever page they would come: stated, with a few of them drawn at random, then one batch.

import { api } from "../api.js";
import { byId } from "../dom.js";
import { WholeDialog } from "../search/whole_dialog.js";
import { toast } from "../toast.js";

const COUNTING_MS = 60000; // the line is compared with every vector there is

export class Above {
  /** ready(): this very page is still shown; go(plan, { decision, kinds, many }): the person agreed. */
  constructor(huntId, { ready, go, closed }) {
    Object.assign(this, { huntId, ready, asking: false });
    this.dialog = new WholeDialog({ go, closed, which: "above the line" });
  }

  async ask() {
    if (this.asking) return;
    this.asking = true;
    byId("above").disabled = true;
    try {
      const plan = await api(`/hunts/${this.huntId}/above`, { method: "POST", json: {}, timeout: COUNTING_MS });
      if (!this.ready()) return; // the page went on meanwhile: what was counted is not what is seen
      if (plan.matched) this.open(plan);
      else toast("Nothing undecided lies above the line.");
    } catch (error) {
      toast(error.message, { bad: error.code !== "no_line" });
    } finally {
      this.asking = false;
      byId("above").disabled = false;
    }
  }

  open(plan) {
    this.dialog.open(plan, { words: "Nobody has looked at them. At the line, a picture is as likely right as wrong.", sure: true });
  }
}
