// The floating bar: how many are selected, the label they will get, confirm, invert and undo.

import { byId } from "../dom.js";
import { count, plural } from "../format.js";
import { Picker } from "./picker.js";
import { carried } from "./tile.js";

const VOTERS = 30;
const TEMPERATURE = 0.1; // a neighbour's vote falls by e for every 0.1 of cosine similarity, as in weighted kNN
const SURE = 0.4; // least share of the votes: a label that is only a guess is not offered for the Enter key

/** The label that the nearest neighbours carry, or are suggested to carry; "" when they do not agree. */
export function likelyLabel(results) {
  const votes = new Map();
  const vote = (name, weight) => votes.set(name, (votes.get(name) ?? 0) + weight);
  for (const result of results.slice(0, VOTERS)) {
    const weight = Math.exp((result.score - results[0].score) / TEMPERATURE);
    const labels = carried(result);
    for (const label of labels) vote(label.name, weight);
    if (!labels.length && result.suggestion) vote(result.suggestion.name, 0.5 * weight * result.suggestion.share);
  }
  const total = [...votes.values()].reduce((sum, weight) => sum + weight, 0);
  const [best, weight] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? ["", 0];
  return weight >= SURE * total ? best : "";
}

export class Bar {
  constructor({ confirm, hunt, invert, undo, leave }) {
    this.figures = { selected: 0, shown: 0, labelled: 0 };
    this.picker = new Picker({ picked: () => this.show(this.figures), done: leave });
    byId("confirm").addEventListener("click", confirm);
    byId("hunt").addEventListener("click", hunt);
    byId("invert").addEventListener("click", invert);
    byId("undo").addEventListener("click", undo);
  }

  get label() {
    return this.picker.value;
  }

  set label(name) {
    this.picker.value = name;
  }

  focus() {
    byId("label-input").focus();
  }

  offer(labels) {
    this.picker.offer(labels);
  }

  suggest(results) {
    this.label = likelyLabel(results);
  }

  undoable(can) {
    byId("undo").disabled = !can;
  }

  show(figures) {
    this.figures = figures;
    const { selected, shown, labelled } = figures;
    if (!shown) { this.hide(); return; }
    byId("confirm-bar").hidden = false;
    document.body.classList.add("raised-bar");
    byId("selected-count").textContent = count(selected);
    byId("shown-count").textContent = count(shown);
    const warning = byId("selection-warning");
    warning.hidden = labelled === 0;
    warning.textContent = `${plural(labelled, "has", "have")} a label already`;
    byId("confirm").disabled = selected === 0 || !this.label;
  }

  hide() {
    byId("confirm-bar").hidden = true;
    document.body.classList.remove("raised-bar");
  }
}
