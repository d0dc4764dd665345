// Which colour means what, how many photos each has, and the way to all of them without a lasso.

import { h } from "../dom.js";
import { count } from "../format.js";

const MOST = 40;

/** entries of the map in front; open(name or null): the photos of one, to be looked at. */
export function drawLegend(place, entries, { open }) {
  const rows = entries.slice(0, MOST).map(({ name, colour, count: many, none }) => h("li", {},
    h("button", { class: "quiet small", type: "button", title: `Look at these ${count(many)} photos`, onclick: () => open(none ? null : name) },
      h("span", { class: "dot", vars: { c: colour } }), h("span", { class: "cut-text" }, name), h("b", {}, count(many)))));
  if (entries.length > MOST) rows.push(h("li", { class: "dim" }, `and ${count(entries.length - MOST)} more`));
  place.replaceChildren(...rows);
}
