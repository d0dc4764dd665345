// The history page: batches of decisions, newest first; each can be looked into, undone and done again.

import { api } from "../api.js";
import { byId, h, icon } from "../dom.js";
import { plural } from "../format.js";
import { deliverAndTell } from "../search/kept.js";
import { send } from "../search/outbox.js";
import { toast } from "../toast.js";
import { detail } from "./detail.js";
import { HEADS, covered, rowOf } from "./row.js";

const PAGE = 50;
const MOST = 1000; // that one request brings
const body = h("tbody");
const listed = new Map(); // id -> batch, of those that have a row
let shown = 0; // batches, without the rows that show their pictures

const at = (id) => body.querySelector(`[data-batch="${id}"]`);

async function change(batch, what, done) {
  try {
    const answer = await send(`/batches/${batch.id}/${what}`, {}).answer;
    const rest = answer.unchanged ? `; ${plural(answer.unchanged, "decision")} left: decided anew since` : "";
    toast(`${done}: ${plural(answer.images, "picture")} as before${rest}`);
  } catch (error) {
    toast(`Not ${done.toLowerCase()}: ${error.message}`, { bad: true });
  }
  await show(true);
  refocus(batch.id);
}

const act = {
  undo: (batch) => change(batch, "undo", "Undone"),
  redo: (batch) => change(batch, batch.kind === "undo" ? "undo" : "redo", "Done again"),
  open: async (batch, button) => {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    button.textContent = open ? "Show" : "Hide";
    if (open) { at(batch.id).nextElementSibling.remove(); return; }
    const cell = h("td", { colSpan: HEADS.length, "aria-busy": "true" });
    at(batch.id).after(h("tr", { class: "detail" }, cell));
    try {
      cell.replaceChildren(...detail(await api(`/batches/${batch.id}`)));
    } catch (error) {
      cell.replaceChildren(h("p", { class: "form-error" }, error.message));
    }
    cell.removeAttribute("aria-busy");
  },
};

/** The table was made anew, and with it the button that had the focus. */
function refocus(id) {
  if (document.activeElement !== document.body) return;
  (at(id)?.querySelector(".turn") ?? at(id))?.focus();
}

function people(authors) {
  const select = byId("who");
  byId("who-label").hidden = authors.length < 2;
  const before = select.value;
  select.replaceChildren(h("option", { value: "" }, "everybody"), ...authors.map((author) => h("option", { value: author }, author)));
  select.value = authors.includes(before) ? before : "";
}

async function show(again = false) {
  const place = byId("batches");
  const offset = again ? 0 : shown;
  const limit = again ? Math.min(MOST, Math.max(PAGE, shown)) : PAGE;
  const who = byId("who").value;
  try {
    const { batches, authors } = await api(`/batches?limit=${limit}&offset=${offset}${who ? `&author=${encodeURIComponent(who)}` : ""}`);
    people(authors);
    if (again) { body.replaceChildren(); listed.clear(); }
    for (const batch of batches) listed.set(batch.id, batch);
    body.append(...batches.map((batch) => rowOf(batch, act)));
    for (const batch of listed.values()) if (covered(batch, listed)) at(batch.id).querySelector(".turn")?.remove();
    shown = offset + batches.length;
    byId("more").hidden = batches.length < limit;
    if (!shown) place.replaceChildren(h("div", { class: "nothing" }, icon("undo"), h("strong", {}, "Nothing decided yet"), h("p", {}, "Every confirm appears here, and can be undone.")));
    else if (!body.isConnected) place.replaceChildren(h("div", { class: "table-wrap" }, h("table", { class: "history" }, h("thead", {}, h("tr", {}, ...HEADS.map(([name, kind]) => h("th", { scope: "col", class: kind }, name || h("span", { class: "visually-hidden" }, "Undo"))))), body)));
  } catch (error) {
    if (!body.isConnected) place.replaceChildren(h("div", { class: "nothing" }, icon("alert"), h("strong", {}, "The history cannot be read now"), h("p", {}, error.message)));
    else toast(error.message, { bad: true });
  }
  place.removeAttribute("aria-busy");
}

byId("more").addEventListener("click", () => show());
byId("who").addEventListener("change", () => { shown = 0; show(true); });
deliverAndTell().then(() => show());
