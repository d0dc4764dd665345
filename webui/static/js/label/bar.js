// The floating bar of a label's page: how many are selected, and what its buttons will do with everything shown.

import { byId } from "../dom.js";
import { count } from "../format.js";

export class LabelBar {
  constructor(act) {
    byId("confirm").addEventListener("click", act.confirm);
    byId("second").addEventListener("click", act.refuse);
    byId("invert").addEventListener("click", act.invert);
    byId("undo").addEventListener("click", act.undo);
  }

  undoable(can) {
    byId("undo").disabled = !can;
  }

  /** word: what the chosen ones are; confirm and second: the buttons' texts, null for one that does nothing now. */
  show({ chosen, shown, word, confirm, second = null, note = "" }) {
    byId("confirm-bar").hidden = false;
    document.body.classList.add("raised-bar");
    byId("selected-count").textContent = count(chosen);
    byId("shown-count").textContent = count(shown);
    byId("count-word").textContent = word;
    byId("confirm").disabled = confirm === null;
    byId("confirm-text").textContent = confirm ?? "Move";
    byId("second").hidden = second === null;
    byId("second-text").textContent = second ?? "";
    byId("selection-warning").hidden = !note;
    byId("selection-warning").textContent = note;
  }

  hide() {
    byId("confirm-bar").hidden = true;
    document.body.classList.remove("raised-bar");
  }
}
