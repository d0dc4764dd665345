// One line of the history: when, who, what about which labels, how many, against whom.

import { h, icon } from "../dom.js";
import { count, moment } from "../format.js";
import { refused } from "../may.js";

export const HEADS = [["When"], ["Who"], ["What"], ["Decisions", "number"], ["", "number"]];
const NOTES = { folder: "from folder names", import: "imported", undo: "undone", redo: "done again", merge: "merged", review: "looked through" };
const LABELS_SHOWN = 4;
const SAID = { yes: (n) => n, no: (n) => `not: ${n}`, unknown: (n) => `open: ${n}` };

/** A label's own colour beside its name, never under it: any text is read on any colour. */
const named = (part, text) => h("span", { class: "with-dot" }, h("i", { class: "dot", vars: { c: part.colour } }), h("span", {}, text));

/** Label -> its parts, in the order of the batch. */
function byLabel(parts) {
  const found = new Map();
  for (const part of parts) found.set(part.label, [...(found.get(part.label) ?? []), part]);
  return found;
}

function said(label, parts) {
  if (parts.length === 1 && parts[0].decision === "yes") return label;
  if (parts.length === 1 && parts[0].decision === "no") return `not ${label}`;
  if (parts.length === 1) return `${label}, open again`;
  return `${label} (${parts.map((part) => SAID[part.decision](count(part.images))).join(" · ")})`;
}

function what(batch) {
  const labels = [...byLabel(batch.parts)];
  const more = labels.length > LABELS_SHOWN ? h("span", { class: "dim" }, `and ${labels.length - LABELS_SHOWN} more`) : null;
  return h("div", { class: "what" }, ...labels.slice(0, LABELS_SHOWN).map(([label, parts]) => named(parts[0], said(label, parts))), more,
    labels.length ? null : h("span", { class: "dim" }, "nothing"),
    NOTES[batch.kind] ? h("span", { class: "note dim" }, NOTES[batch.kind]) : null);
}

function against(batch) {
  const over = batch.over.map((one) => h("span", { class: "clash" }, `${count(one.decisions)} otherwise than ${one.author}`));
  const by = batch.by.map((one) => h("span", { class: "clash later" }, `${count(one.decisions)} since decided otherwise by ${one.author}`));
  return over.length + by.length ? h("div", { class: "clashes" }, ...over, ...by) : null;
}

/** Whether a batch is turned by a button of its own: an undo that was done again is not. */
const turns = (batch) => !(batch.undone && batch.kind === "undo");

/** Whether what a batch took back or did again is in the list, and turned there: one thing has one button. */
export function covered(batch, listed) {
  const target = listed.get(batch.undoes);
  return Boolean(target) && (turns(target) || covered(target, listed));
}

function turn(batch, act) {
  const about = [...byLabel(batch.parts).keys()].slice(0, LABELS_SHOWN).join(", ") || "this batch";
  const again = batch.undone || batch.kind === "undo";
  if (!turns(batch)) return h("span", { class: "state" }, "done again");
  return h("button", { type: "button", class: `outline small turn${refused("undo", "redo")}`, "aria-label": `${again ? "Redo" : "Undo"}: ${about}`, onclick: () => act[again ? "redo" : "undo"](batch) }, icon("undo"), again ? "Redo" : "Undo");
}

/** act: { undo(batch), redo(batch), open(batch, button) } */
export function rowOf(batch, act) {
  return h("tr", { class: batch.undone ? "undone" : null, "data-batch": batch.id, tabindex: "-1" },
    h("td", { class: "dim" }, moment(batch.at)), h("td", { class: "cut-text" }, batch.author), h("td", {}, what(batch), against(batch)),
    h("td", { class: "number" }, count(batch.size)),
    h("td", { class: "number" }, h("span", { class: "row-buttons" }, batch.undone && batch.kind !== "undo" ? h("span", { class: "state" }, "undone") : null,
      batch.size ? h("button", { type: "button", class: "quiet small", "aria-expanded": "false", onclick: (event) => act.open(batch, event.currentTarget) }, "Show") : null,
      turn(batch, act))));
}
