// The floating bar of a hunt: how many are selected, and what Confirm will say of everything shown.

import { byId } from "../dom.js";
import { count } from "../format.js";

export class HuntBar {
  constructor({ confirm, invert, undo }) {
    byId("confirm").addEventListener("click", confirm);
    byId("invert").addEventListener("click", invert);
    byId("undo").addEventListener("click", undo);
  }

  undoable(can) {
    byId("undo").disabled = !can;
  }

  /** yes and no: what is decided; other: a no with another label, both: a yes in spite of one. */
  show({ yes, no, other, both }) {
    byId("confirm-bar").hidden = false;
    document.body.classList.add("raised-bar");
    byId("selected-count").textContent = count(yes);
    byId("shown-count").textContent = count(yes + no);
    byId("confirm-text").textContent = `Confirm ${count(yes)} yes · ${count(no)} no`;
    const notes = [other && `${count(other)} no: another label`, both && `${count(both)} yes: another too`].filter(Boolean);
    byId("selection-warning").hidden = !notes.length;
    byId("selection-warning").textContent = notes.join(" · ");
  }

  hide() {
    byId("confirm-bar").hidden = true;
    document.body.classList.remove("raised-bar");
  }
}
