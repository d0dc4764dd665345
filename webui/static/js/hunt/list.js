// The page of all hunts: what each has found, open, finish, delete; and the form that starts one.

import { api } from "../api.js";
import { byId, h, icon } from "../dom.js";
import { count, inkOn, moment, plural } from "../format.js";
import { refused } from "../may.js";
import { deliverAndTell } from "../search/kept.js";
import { toast } from "../toast.js";
import { prepareStart } from "./start.js";

const PAGE = 50;
const HEADS = [["Hunt"], ["Found", "number"], ["Rejected", "number"], ["By"], ["Last used"], ["State"], ["", "number"]];
const body = h("tbody");
let deleting = null;

async function change(hunt, what, doing) {
  try {
    await doing();
  } catch (error) {
    if (error.status !== 404) { toast(`Not ${what}: ${error.message}`, { bad: true }); return; }
    toast("That hunt is gone already."); // somebody else deleted it
  }
  await show(true);
  const at = body.querySelector(`[data-hunt="${hunt.id}"]`);
  if (document.activeElement === document.body) (at?.querySelector(".mark") ?? body.querySelector("a") ?? byId("label-input")).focus();
}

const mark = (hunt, finished) => change(hunt, finished ? "finished" : "taken up", () => api(`/hunts/${hunt.id}`, { method: "PATCH", json: { finished } }));

function askToDelete(hunt) {
  deleting = hunt;
  byId("delete-text").textContent = `The hunt for ${hunt.label.name} and its examples are forgotten. ${hunt.found ? `The ${plural(hunt.found, "picture")} that it found stay labelled ${hunt.label.name}.` : "Labels stay as they are."}`;
  byId("delete-hunt").showModal();
  byId("delete-keep").focus();
}

function row(hunt) {
  const name = hunt.name ?? hunt.label.name;
  const done = hunt.finished_at !== null;
  return h("tr", { "data-hunt": hunt.id },
    h("td", {}, h("a", { class: "hunt-link", href: `/hunts/${hunt.id}` },
      h("span", { class: "tag", vars: { c: hunt.label.colour, ink: inkOn(hunt.label.colour) } }, hunt.label.name), hunt.name ? h("span", { class: "cut-text" }, hunt.name) : null)),
    h("td", { class: "number" }, count(hunt.found)), h("td", { class: "number dim" }, count(hunt.rejected)),
    h("td", { class: "dim cut-text" }, hunt.author), h("td", { class: "dim" }, moment(hunt.updated_at)),
    h("td", {}, h("span", { class: done ? "state done" : "state active" }, done ? "finished" : "under way")),
    h("td", { class: "number" }, h("span", { class: "row-buttons" },
      h("a", { class: `button outline small${refused("next_step")}`, href: `/hunts/${hunt.id}`, "aria-label": `${done ? "Open" : "Go on"}: the hunt for ${name}` }, done ? "Open" : "Go on"),
      h("button", { type: "button", class: `quiet small mark${refused("change_hunt")}`, "aria-label": `${done ? "Take up" : "Finish"} the hunt for ${name}`, onclick: () => mark(hunt, !done) }, done ? "Take up" : "Finish"),
      h("button", { type: "button", class: `quiet small square danger${refused("forget_hunt")}`, "aria-label": `Delete the hunt for ${name}`, title: "Delete", onclick: () => askToDelete(hunt) }, icon("close")))));
}

async function show(again = false) {
  const place = byId("hunts");
  try {
    const offset = again ? 0 : body.children.length;
    const limit = again ? Math.max(PAGE, body.children.length) : PAGE;
    const { hunts } = await api(`/hunts?limit=${limit}&offset=${offset}`);
    if (again) body.replaceChildren();
    body.append(...hunts.map(row));
    byId("more").hidden = hunts.length < limit;
    if (!body.children.length) place.replaceChildren(h("div", { class: "nothing" }, icon("target"), h("strong", {}, "No hunts yet"), h("p", {}, "Name what you look for above, give a picture of it, and press Start. Or press H after a search.")));
    else if (!body.isConnected) {
      place.replaceChildren(h("div", { class: "table-wrap" }, h("table", {},
        h("thead", {}, h("tr", {}, ...HEADS.map(([name, kind]) => h("th", { scope: "col", class: kind }, name || h("span", { class: "visually-hidden" }, "Actions"))))), body)));
    }
  } catch (error) {
    if (body.isConnected) toast(error.message, { bad: true });
    else place.replaceChildren(h("div", { class: "nothing" }, icon("alert"), h("strong", {}, "Hunts cannot be read now"), h("p", {}, error.message)));
  }
  place.removeAttribute("aria-busy");
}

byId("more").addEventListener("click", () => show());
byId("delete-keep").addEventListener("click", () => byId("delete-hunt").close());
byId("delete-go").addEventListener("click", () => {
  byId("delete-hunt").close();
  change(deleting, "deleted", () => api(`/hunts/${deleting.id}`, { method: "DELETE" }));
});
prepareStart();
deliverAndTell().then(({ saved }) => show(saved > 0));
