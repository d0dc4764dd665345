// The floating bar: how many are selected, the label they will get, confirm, invert and undo.

import { byId } from "../dom.js";
import { count, plural } from "../format.js";
import { likelyLabel } from "./likely.js";
import { Picker } from "./picker.js";

export class Bar {
  /** renamed(): another label is in the bar; leave(): the person has chosen it and wants to go on. */
  constructor({ confirm, hunt, invert, undo, leave, renamed = () => {} }) {
    this.picker = new Picker({ picked: renamed, done: leave });
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

  show({ selected, shown, labelled }) {
    if (!shown) { this.hide(); return; }
    byId("confirm-bar").hidden = false;
    document.body.classList.add("raised-bar");
    byId("selected-count").textContent = count(selected);
    byId("shown-count").textContent = count(shown);
    const warning = byId("selection-warning");
    warning.hidden = labelled === 0;
    warning.textContent = `${plural(labelled, "has", "have")} a label already`;
    byId("confirm").disabled = selected === 0; // without a label it asks for one
  }

  hide() {
    byId("confirm-bar").hidden = true;
    document.body.classList.remove("raised-bar");
  }
}
