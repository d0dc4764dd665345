// What was done: the newest lines of the audit log, and the older ones page by page.

import { api } from "../api.js";
import { byId, h } from "../dom.js";
import { moment } from "../format.js";

const PAGE = 30;

export function audit() {
  const body = h("tbody");
  let oldest = null;

  const row = (line) => h("tr", {},
    h("td", { class: "when" }, moment(line.at)), h("td", {}, line.actor),
    h("td", {}, h("span", { class: "with-dot" }, line.action, line.outcome === "refused" && h("span", { class: "state failed" }, "refused"))),
    h("td", {}, line.target), h("td", { class: "mono dim" }, line.address));

  async function show(again) {
    const place = byId("audit");
    try {
      const { events } = await api(`/audit?limit=${PAGE}${again || oldest === null ? "" : `&before=${oldest}`}`);
      if (again) body.replaceChildren();
      body.append(...events.map(row));
      oldest = events.at(-1)?.id ?? oldest;
      byId("audit-more").hidden = events.length < PAGE;
      const heads = ["When", "Who", "What", "To what", "From"].map((name) => h("th", { scope: "col" }, name));
      place.replaceChildren(body.children.length
        ? h("div", { class: "table-wrap", role: "region", tabindex: "0", "aria-label": "What was done" }, h("table", {}, h("thead", {}, h("tr", {}, ...heads)), body))
        : h("p", { class: "dim" }, "Nothing yet."));
    } catch (error) {
      place.replaceChildren(h("p", { class: "form-error" }, error.message));
    }
    place.removeAttribute("aria-busy");
  }

  byId("audit-more").addEventListener("click", () => show(false));
  show(true);
  return { again: () => show(true) };
}
