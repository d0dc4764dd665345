// The history page: batches of decisions, newest first, each with its undo.

import { api } from "./api.js";
import { byId, h, icon } from "./dom.js";
import { count, moment, plural } from "./format.js";
import { send } from "./search/outbox.js";
import { toast } from "./toast.js";

const PAGE = 50;
const NOTES = { folder: "from folder names", import: "imported", undo: "undone", redo: "done again", merge: "merged", review: "looked through" };
const body = h("tbody");

function what(batch) {
  const more = batch.labels.length > 4 ? ` and ${batch.labels.length - 4} more` : "";
  const names = batch.labels.slice(0, 4).join(", ") + more || "no label";
  return NOTES[batch.kind] ? `${names} (${NOTES[batch.kind]})` : names;
}

function row(batch) {
  const undo = async () => {
    try {
      const answer = await send(`/batches/${batch.id}/undo`, {}).answer;
      toast(`Undone: ${plural(answer.applied, "picture")} as before`);
    } catch (error) {
      toast(`Not undone: ${error.message}`, { bad: true });
    }
    await show(true);
    refocus(batch.id);
  };
  return h("tr", { class: batch.undone ? "undone" : null, "data-batch": batch.id, tabindex: "-1" },
    h("td", {}, moment(batch.at)), h("td", {}, batch.author), h("td", { class: "cut-text" }, what(batch)),
    h("td", { class: "number" }, count(batch.size)),
    h("td", { class: "number" }, batch.undone ? h("span", { class: "state" }, "undone") : h("button", { type: "button", class: "outline small", onclick: undo }, icon("undo"), batch.kind === "undo" ? "Redo" : "Undo")));
}

/** The table was made anew, and with it the button that had the focus. */
function refocus(id) {
  const at = body.querySelector(`[data-batch="${id}"]`);
  if (document.activeElement === document.body) (at?.querySelector("button") ?? at)?.focus();
}

async function show(again = false) {
  const place = byId("batches");
  try {
    const offset = again ? 0 : body.children.length;
    const limit = again ? Math.max(PAGE, body.children.length) : PAGE;
    const { batches } = await api(`/batches?limit=${limit}&offset=${offset}`);
    if (again) body.replaceChildren();
    body.append(...batches.map(row));
    byId("more").hidden = batches.length < limit;
    const heads = [["When"], ["Who"], ["What"], ["Pictures", "number"], ["", "number"]];
    if (!body.children.length) place.replaceChildren(h("div", { class: "nothing" }, icon("undo"), h("strong", {}, "Nothing decided yet"), h("p", {}, "Every confirm appears here, and can be undone.")));
    else if (!body.isConnected) place.replaceChildren(h("div", { class: "table-wrap" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads.map(([name, kind]) => h("th", { scope: "col", class: kind }, name || h("span", { class: "visually-hidden" }, "Undo"))))), body)));
  } catch (error) {
    if (!body.isConnected) place.replaceChildren(h("div", { class: "nothing" }, icon("alert"), h("strong", {}, "The history cannot be read now"), h("p", {}, error.message)));
    else toast(error.message, { bad: true });
  }
  place.removeAttribute("aria-busy");
}

byId("more").addEventListener("click", () => show());
show();
