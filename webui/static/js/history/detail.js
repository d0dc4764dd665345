// What a batch was about: its pictures, and before them those that people disagree on, with what each of them said.

import { h } from "../dom.js";
import { count, moment, plural } from "../format.js";

const WORDS = { yes: (label) => label, no: (label) => `not ${label}`, unknown: (label) => `${label}: open` };

function picture(one, ...captions) {
  return h("figure", {}, h("a", { href: `/?image=${one.image_id}`, "aria-label": `Search by picture ${one.image_id}` }, h("img", { src: one.thumbnail, alt: "", loading: "lazy", width: 96, height: 96 })),
    h("figcaption", {}, ...captions));
}

const clash = (one) => picture(one,
  h("span", {}, h("b", {}, one.first_author), ` ${WORDS[one.first](one.label)}`),
  h("span", { title: moment(one.at) }, h("b", {}, one.then_author), ` ${WORDS[one.then](one.label)}`));
const said = (one) => picture(one, h("span", {}, WORDS[one.decision](one.label)));

/** The first of many: how many there are is said where not all are shown. */
const heading = (text, shown, all) => h("h2", {}, text, all > shown ? h("span", { class: "dim" }, ` the first ${count(shown)} of ${count(all)}`) : null);

export function detail({ batch, images, conflicts }) {
  const clashes = [...batch.over, ...batch.by].reduce((sum, one) => sum + one.decisions, 0);
  return [
    conflicts.length ? heading("Decided one way, then another: the later decision holds.", conflicts.length, clashes) : null,
    conflicts.length ? h("div", { class: "figures-row" }, ...conflicts.map(clash)) : null,
    images.length ? heading(plural(batch.size, "decision"), images.length, batch.size) : h("p", { class: "dim" }, "Its pictures are gone."),
    images.length ? h("div", { class: "figures-row" }, ...images.map(said)) : null,
  ].filter(Boolean);
}
