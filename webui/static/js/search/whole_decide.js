// Enter while all that match are selected: how they stand to the label is asked, stated, and then decided.

import { plural } from "../format.js";
import { toast } from "../toast.js";
import { WholeDialog } from "./whole_dialog.js";
import { inWords } from "./whole_words.js";

const DONE = { yes: (label) => `labelled ${label}`, no: (label) => `ruled out for ${label}`, unknown: (label) => `open again for ${label}` };

export class WholeDecider {
  /** source(id): its name; again(): look at what is there now; closed(): the question went, however it did. */
  constructor({ whole, decider, source, again, closed }) {
    Object.assign(this, { whole, decider, source, again, asking: false });
    this.dialog = new WholeDialog({ go: (plan, choice) => this.decide(plan, choice), closed });
  }

  /** False where a page is meant, not all that match. */
  confirm(label) {
    const { whole } = this;
    if (whole.taking) whole.taking.then(() => whole.active && this.ask(label)); // Enter means them, not the page
    else if (whole.active) this.ask(label);
    else return false;
    return true;
  }

  async ask(label) {
    if (this.asking) return; // a second answer would open the question anew, under the hand of who is answering it
    this.asking = true;
    const { whole } = this;
    const of = whole.token;
    try {
      const plan = await whole.plan(label);
      const conditions = whole.request();
      if (whole.token === of) this.dialog.open(plan, { words: inWords(conditions, this.source), sure: conditions.min_score !== null });
    } catch (error) {
      toast(`Nothing was labelled: ${error.message}`, { bad: true });
    } finally {
      this.asking = false;
    }
  }

  decide({ token, label }, { decision, kinds, many }) {
    const done = DONE[decision](label);
    this.decider.beyond(`/matches/${token}/decisions`, { decision, kinds }, {
      many, again: this.again,
      said: ({ applied, changed }) => `${plural(applied, "picture")} ${done}${changed ? `. ${plural(changed, "picture")} left out: changed meanwhile` : ""}`,
    });
  }
}
