// The head of a label's page: its name and figures, the tabs, and the controls that the tab needs.

import { byId, h } from "../dom.js";
import { count, inkOn } from "../format.js";
import { writeState } from "./state.js";

/** A label as a tag. */
export const tagOf = (label) => h("span", { class: "tag", vars: { c: label.colour, ink: inkOn(label.colour) } }, label.name);

/** How long the server took for its answers, for a summary; narrow windows leave it out. */
export const took = (...answers) => h("span", { class: "took" }, ` · ${Math.round(Math.max(...answers.map((one) => one.took_ms.total)))} ms`);

export class Head {
  /** go(part): another part of the state. */
  constructor(id, { go }) {
    this.id = id;
    byId("tabs").addEventListener("click", (event) => {
      const tab = event.target.closest("a");
      if (!tab || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return; // another window, as ever
      event.preventDefault();
      go({ tab: tab.dataset.tab, from: 0 });
    });
    byId("sort").addEventListener("change", (event) => go({ sort: event.target.value, from: 0 }));
    byId("show").addEventListener("change", (event) => go({ show: Number(event.target.value) }));
    byId("everything").addEventListener("change", (event) => go({ everything: event.target.checked, from: 0 }));
    byId("other").addEventListener("change", (event) => go({ other: Number(event.target.value) }));
  }

  /** Where the page is. */
  draw(state) {
    for (const tab of byId("tabs").children) {
      tab.href = writeState(this.id, { ...state, tab: tab.dataset.tab, from: 0 });
      if (tab.dataset.tab === state.tab) tab.setAttribute("aria-current", "page"); else tab.removeAttribute("aria-current");
    }
    for (const part of document.querySelectorAll("[data-only]")) part.hidden = !part.dataset.only.split(" ").includes(state.tab);
    byId("sort").value = state.sort;
    byId("show").value = state.show;
    byId("everything").checked = state.everything;
  }

  /** reviewed: how many were looked through; undefined where that was not asked. */
  tell(label, reviewed) {
    const tag = byId("label-name");
    tag.textContent = label.name;
    tag.style.setProperty("--c", label.colour);
    tag.style.setProperty("--ink", inkOn(label.colour));
    this.reviewed = reviewed ?? this.reviewed;
    const looked = this.reviewed === undefined ? "" : ` · ${count(this.reviewed)} looked through`;
    byId("label-figures").replaceChildren(h("b", {}, count(label.yes)), label.yes === 1 ? " picture" : " pictures", h("span", { class: "dim" }, `${looked}${label.no ? ` · ${count(label.no)} ruled out` : ""}`));
    byId("looked").hidden = this.reviewed === undefined || !label.yes;
    byId("looked").max = Math.max(1, label.yes);
    byId("looked").value = this.reviewed ?? 0;
    byId("looked").setAttribute("aria-label", `${count(this.reviewed)} of ${count(label.yes)} looked through`);
    byId("hunt-more").hidden = false;
    byId("hunt-more").href = `/hunts?label=${encodeURIComponent(label.name)}`;
    document.title = `${label.name} · Label · Ruiji`;
  }
}
