// Name, colour and group of one label.

import { api } from "../api.js";
import { byId, h } from "../dom.js";
import { toast } from "../toast.js";
import { FormDialog } from "./form_dialog.js";

const [NONE, NEW] = ["none", "new"]; // any other choice is "group:" and a name

export class LabelDialog {
  /** now(): the labels and groups there are; changed(): they are others; merge(label, into): that name is taken. */
  constructor({ now, changed, merge }) {
    Object.assign(this, { now, changed, merge, label: null });
    this.box = new FormDialog("change", () => this.send());
    byId("change-group").addEventListener("change", () => this.draw());
  }

  open(label) {
    this.label = label;
    byId("change-title").textContent = `Change ${label.name}`;
    byId("change-name").value = label.name;
    byId("change-colour").value = label.colour;
    byId("change-new-group").value = "";
    byId("change-exclusive").checked = true;
    byId("change-group").replaceChildren(
      h("option", { value: NONE }, "No group"),
      ...this.now().groups.map((group) => h("option", { value: `group:${group.name}` }, group.name)),
      h("option", { value: NEW }, "New group…"));
    byId("change-group").value = this.choice;
    this.draw();
    this.box.open(byId("change-name"));
  }

  get choice() {
    return this.label.group === null ? NONE : `group:${this.label.group}`;
  }

  draw() {
    const isNew = byId("change-group").value === NEW;
    byId("change-new").hidden = !isNew;
    byId("change-new-group").required = isNew;
    if (isNew && this.box.dialog.open) byId("change-new-group").focus();
  }

  /** Only what was changed: somebody else may have changed the rest. */
  get change() {
    const { label } = this;
    const change = {};
    const [name, colour, group] = ["name", "colour", "group"].map((part) => byId(`change-${part}`).value);
    if (name !== label.name) change.name = name;
    if (colour !== label.colour) change.colour = colour;
    if (group === NEW) Object.assign(change, { group: byId("change-new-group").value, exclusive: byId("change-exclusive").checked });
    else if (group !== this.choice) change.group = group === NONE ? null : group.slice("group:".length);
    return change;
  }

  async send() {
    const { label, change } = this;
    if (Object.keys(change).length) {
      try {
        await api(`/labels/${label.id}`, { method: "PATCH", json: change });
      } catch (error) {
        this.refused(error, change);
        return;
      }
      toast(`${change.name ?? label.name} changed`);
    }
    this.box.dialog.close();
    this.changed();
  }

  refused(error, change) {
    const other = this.now().labels.find((one) => one.name === change.name?.trim() && one.id !== this.label.id);
    if (!other) throw error;
    const instead = () => { this.box.dialog.close(); this.merge(this.label, other); };
    this.box.say(error.message, " ", h("button", { type: "button", class: "outline small", onclick: instead }, "Merge the two"));
  }
}
