// One example as a chip: its picture, a switch between more and less like it, and a cross to take it out.

import { h, icon } from "../dom.js";
import { refused } from "../may.js";

/** sign 1: more like this, -1: less; flip and remove are what the two buttons do, and needs what that asks of the server. */
export function makeChip({ name, address, sign = 1, busy = false, flip = null, remove, needs = [] }) {
  const image = address && h("img", { src: address, alt: "" });
  image?.addEventListener("error", () => image.replaceWith(icon("picture")));
  const out = refused(...needs);
  const meaning = sign > 0 ? "more like this" : "less like this";
  return h("div", { class: `chip${sign > 0 ? "" : " minus"}${busy ? " busy" : ""}`, role: "listitem", title: `${name}: ${meaning}` },
    image || icon("picture"),
    h("span", { class: "visually-hidden" }, `${name}: ${meaning}`),
    flip && h("button", { type: "button", class: `sign${out}`, "aria-label": `${name}: look for ${sign > 0 ? "less" : "more"} like this instead`, title: sign > 0 ? "More like this; click for less" : "Less like this; click for more", onclick: flip }, icon(sign > 0 ? "plus" : "minus")),
    h("button", { type: "button", class: `remove${out}`, "aria-label": `Remove ${name} from the examples`, onclick: remove }, icon("close")));
}
