// What this tab remembers of a hunt, so that a reload, a look elsewhere or a refusal costs nobody their choices.

import { INSTALLATION } from "../installation.js";

const MOST_BATCHES = 50;

function read(name) {
  try {
    return JSON.parse(sessionStorage.getItem(name)) ?? {};
  } catch {
    return {}; // without storage, or with something else in it, there is nothing to remember
  }
}

export class Kept {
  constructor(huntId) {
    this.name = `ruiji.hunt.${INSTALLATION}.${huntId}`;
    const { choices = {}, batches = [], mostlyWrong = false } = read(this.name);
    this.mostlyWrong = mostlyWrong; // most of the last page decided was a no
    this.choices = new Map(Object.entries(choices).map(([id, on]) => [Number(id), on]));
    this.batches = batches; // [{ batch, yes, no }], the last confirmed at the end
  }

  save() {
    try {
      sessionStorage.setItem(this.name, JSON.stringify({ choices: Object.fromEntries(this.choices), batches: this.batches.slice(-MOST_BATCHES), mostlyWrong: this.mostlyWrong }));
    } catch {
      // As above: then it lasts until the page is left.
    }
  }

  /** Images that a person has put on the other side than they arrived on. */
  note(ids, { chosen, arrived }) {
    for (const id of ids) {
      if (chosen(id) === arrived(id)) this.choices.delete(id);
      else this.choices.set(id, chosen(id));
    }
    this.save();
  }

  /** Decisions that do not hold: when their images come again, they come as they were decided. */
  restore({ yes, no }) {
    for (const id of yes) this.choices.set(id, true);
    for (const id of no) this.choices.set(id, false);
    this.save();
  }

  /** These are decided. typical: they tell of what the next page will be like, as a random check does not. */
  settle({ yes, no }, typical) {
    if (typical) this.mostlyWrong = no.length > yes.length;
    for (const id of [...yes, ...no]) this.choices.delete(id);
    this.save();
  }
}
