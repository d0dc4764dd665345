// Name of a group, and whether a picture is one of its labels at most; deleting it.

import { api } from "../api.js";
import { byId } from "../dom.js";
import { plural } from "../format.js";
import { toast } from "../toast.js";
import { FormDialog } from "./form_dialog.js";

export class GroupDialog {
  /** changed(): labels and groups are others now. */
  constructor({ changed }) {
    Object.assign(this, { changed, group: null });
    this.box = new FormDialog("group", () => this.send());
    byId("group-delete").addEventListener("click", () => this.remove());
  }

  open(group) {
    this.group = group;
    byId("group-title").textContent = `Change the group ${group.name}`;
    byId("group-name").value = group.name;
    byId("group-exclusive").checked = group.exclusive;
    byId("group-members").textContent = group.labels.length ? `${plural(group.labels.length, "label")}: ${group.labels.join(", ")}` : "It has no labels.";
    this.arm(false);
    this.box.open(byId("group-name"));
  }

  /** The first press says what the second one does. */
  arm(armed) {
    const many = this.group.labels.length;
    this.armed = armed;
    byId("group-delete").textContent = !armed ? "Delete the group" : many ? `Delete it, keep its ${plural(many, "label")}` : "Delete it";
  }

  async send() {
    const json = { name: byId("group-name").value, exclusive: byId("group-exclusive").checked };
    await api(`/label-groups/${this.group.id}`, { method: "PATCH", json });
    this.box.dialog.close();
    toast(`${json.name} changed`);
    this.changed();
  }

  async remove() {
    if (!this.armed) { this.arm(true); return; }
    try {
      await api(`/label-groups/${this.group.id}`, { method: "DELETE" });
    } catch (error) {
      if (error.status !== 404) { this.box.say(error.message); return; } // 404: somebody else deleted it
    }
    this.box.dialog.close();
    toast(`The group ${this.group.name} is deleted, its labels stay`);
    this.changed();
  }
}
