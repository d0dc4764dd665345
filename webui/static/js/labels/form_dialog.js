// A dialog with a form: sends, says what was refused, and stays open until it is done.

import { byId } from "../dom.js";

export class FormDialog {
  /** Elements are named name-dialog, name-form, name-error, name-go and name-cancel. send(): rejects when it was refused. */
  constructor(name, send) {
    this.dialog = byId(`${name}-dialog`);
    this.form = byId(`${name}-form`);
    this.error = byId(`${name}-error`);
    this.go = byId(`${name}-go`);
    byId(`${name}-cancel`).addEventListener("click", () => this.dialog.close());
    this.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (this.go.disabled) return;
      this.busy(true);
      try {
        await send();
      } catch (error) {
        this.say(error.message);
      }
      this.busy(false);
    });
  }

  open(first) {
    this.say(null);
    this.busy(false);
    this.dialog.showModal();
    first.focus();
    first.select?.();
  }

  busy(on) {
    this.go.disabled = on;
  }

  say(problem, ...more) {
    this.error.replaceChildren(problem ?? "", ...more);
    this.error.hidden = !problem;
  }
}
