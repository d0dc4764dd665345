// The labels page: every label by group with its counts, and what can be done with it.

import { api } from "../api.js";
import { byId, h, icon } from "../dom.js";
import { count, plural } from "../format.js";
import { GroupDialog } from "./group_dialog.js";
import { LabelDialog } from "./label_dialog.js";
import { MergeDialog } from "./merge_dialog.js";
import { labelTable } from "./table.js";

const SEARCHED_FROM = 10; // fewer labels are seen at a glance

let labels = [];
let groups = [];
let photos = 0; // in all, labelled or not
let again = null; // what to give the focus to once the list was made anew: [data-label or data-group, which button]

const now = () => ({ labels, groups });
const merging = new MergeDialog({ now, changed: show });
const changing = new LabelDialog({ now, changed: show, merge: (label, into) => merging.open(label, into) });
const grouping = new GroupDialog({ now, changed: show });
const act = {
  change: (label) => { again = [`[data-label="${label.id}"]`, ".change"]; changing.open(label); },
  merge: (label) => { again = [`[data-label="${label.id}"]`, ".merge"]; merging.open(label); },
  group: (group) => { again = [`[data-group="${group.id}"]`, "button"]; grouping.open(group); },
};

function draw() {
  const wanted = byId("find-label").value.trim().toLowerCase();
  const found = labels.filter((label) => `${label.name} ${label.group ?? ""}`.toLowerCase().includes(wanted));
  byId("find").hidden = labels.length < SEARCHED_FROM;
  if (found.length || (!labels.length && groups.length)) byId("labels").replaceChildren(labelTable(found, wanted ? [] : groups, { photos, largest: Math.max(...labels.map((label) => label.yes)) }, act));
  else if (labels.length) byId("labels").replaceChildren(h("div", { class: "nothing" }, icon("search"), h("strong", {}, "No such label"), h("p", {}, `Of ${plural(labels.length, "label")}, none is called like that.`)));
  else {
    byId("labels").replaceChildren(h("div", { class: "nothing" }, icon("check"), h("strong", {}, "No labels yet"),
      h("p", {}, "Search by a picture, take out the wrong ones, type a label and press Enter. Or add a folder whose sub-folders are labels.")));
  }
}

/** The list was made anew, and with it the button that had the focus. */
function refocus() {
  if (!again || document.activeElement !== document.body) return;
  const [row, button] = again;
  (document.querySelector(row)?.querySelector(button) ?? byId("new-label-name")).focus();
}

async function show() {
  const place = byId("labels");
  try {
    const [all, together, { counts }] = await Promise.all([api("/labels"), api("/label-groups"), api("/status")]);
    [labels, groups, photos] = [all.labels, together.groups, counts.images];
    byId("labels-summary").textContent = `${plural(labels.length, "label")} · ${plural(counts.labelled, "picture")} labelled · ${count(counts.unlabelled)} not yet`;
    draw();
  } catch (error) {
    place.replaceChildren(h("div", { class: "nothing" }, icon("alert"), h("strong", {}, "Labels cannot be read now"), h("p", {}, error.message)));
  }
  place.removeAttribute("aria-busy");
  refocus();
}

byId("find-label").addEventListener("input", draw);
byId("new-label").addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = byId("label-error");
  problem.hidden = true;
  try {
    await api("/labels", { method: "POST", json: { name: byId("new-label-name").value } });
    event.target.reset();
    await show();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});

show();
