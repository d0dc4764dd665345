// One tile: picture, checkbox, labels, score, and what a screen reader says of it.

import { h, icon } from "../dom.js";
import { count, fileName, inkOn } from "../format.js";

// A hidden sentence says in words what the cell shows; tags and footer are hidden in turn, so that nothing is said twice.
const blank = h("div", { class: "tile", role: "gridcell", tabindex: "-1", "aria-selected": "false" },
  h("img", { alt: "", loading: "lazy", decoding: "async" }),
  h("span", { class: "visually-hidden" }),
  h("span", { class: "box", "aria-hidden": "true" }),
  h("span", { class: "tags", "aria-hidden": "true" }),
  h("footer", { "aria-hidden": "true" }, h("span", {}), h("b", {})));

/** What the number on a tile is, where it has one and a page shows its tiles in that order; elsewhere it would say nothing, and is not there. */
export const scoreIs = (result) => (result.score === null ? null : document.getElementById("grid").dataset.score || null);

export const carried = (result) => result.labels.filter((label) => label.state === "yes");

/** Labels that are worth telling: on the page of one, `home`, that one goes without saying. */
export const told = (result) => carried(result).filter((label) => !result.home || label.id !== result.home); // a label just given has no id yet

function tags(result) {
  const made = told(result).map((label) => h("span", {
    class: label.saving ? "tag saving" : "tag", title: `labelled ${label.name}${label.origin === "folder" ? " (from the folder's name)" : ""}`,
    vars: { c: label.colour, ink: inkOn(label.colour) },
  }, label.name));
  if (!made.length && result.suggestion) {
    const { name, colour, share } = result.suggestion;
    made.push(h("span", {
      class: "tag suggested", vars: { c: colour }, title: `suggested by labelled neighbours (${Math.round(share * 100)} % of them); not a label yet`,
    }, `${name}?`));
  }
  if (result.own_copy) made.push(h("span", { class: "tag own", title: "This is the picture that you searched by" }, "query"));
  return made;
}

function spoken(result, index) {
  const labels = told(result).map((label) => label.name).join(", ");
  const what = labels ? `labelled ${labels}` : result.suggestion ? `suggested ${result.suggestion.name}` : result.home ? "no other label" : "unlabelled";
  return `${index + 1}: ${fileName(result.path)}, ${scoreIs(result) ? `score ${result.score.toFixed(2)}, ` : ""}${what}${result.own_copy ? ", the query itself" : ""}${result.copies ? `, stands for ${result.copies.length + 1} near-identical pictures` : ""}`;
}

/** Labels changed: draw them again. */
export function describe(tile, result, index) {
  tile.querySelector(".visually-hidden").textContent = spoken(result, index);
  tile.querySelector(".tags").replaceChildren(...tags(result));
}

/** The button that says how many near-identical pictures a tile stands for, and opens them. */
const opener = ({ copies }) => h("button", { type: "button", class: "fold", tabindex: "-1", "data-act": "unfold", "aria-label": `Show all ${copies.length + 1} near-identical pictures`, title: `${count(copies.length + 1)} near-identical pictures, decided as one. Click to decide them one by one (U)` },
  icon("stack"), count(copies.length + 1));

/** It has another place, or stands for others than before. */
export function renumber(tile, result, index) {
  tile.dataset.index = index;
  tile.querySelector(".fold")?.remove();
  if (result.copies) tile.append(opener(result));
  describe(tile, result, index);
}

export function makeTile(result, index) {
  const tile = blank.cloneNode(true);
  tile.dataset.imageId = result.image_id;
  const image = tile.firstElementChild;
  image.addEventListener("error", () => image.classList.add("failed"), { once: true });
  image.src = result.thumbnail;
  const [name, score] = tile.querySelector("footer").children;
  name.textContent = fileName(result.path);
  const meaning = scoreIs(result);
  score.hidden = !meaning;
  score.textContent = meaning ? result.score.toFixed(2) : "";
  if (meaning) score.title = meaning;
  renumber(tile, result, index);
  return tile;
}
