// What a page arrives with, by what its nearest tiles say, as labels or as suggestions: a label in the bar, and a selection.

import { carried } from "./tile.js";

const ASKED = 30; // tiles, nearest first
// So many of them must say the same. Of the demo's labelled pictures each as a query: a label is preset for 78 of 100 and
// right for 94 of those; most votes alone preset one for 97, right for 85 (docs/decisions/0022-preselection.md).
const AGREED = 2 / 3;
const SUGGESTIBLE = 10; // as many neighbours speak for a suggestion: a label of fewer pictures is outvoted wherever it belongs
export const BELOW = "Less alike: not selected";
export const FIRST = 60; // tiles that may arrive selected: of a page of thousands nobody looks at the rest before Enter

/** The label that most of the first tiles carry or are suggested to carry; "" where they do not clearly agree. */
export function likelyLabel(results) {
  const asked = results.slice(0, ASKED);
  const votes = new Map();
  for (const result of asked) {
    const labels = carried(result);
    for (const { name } of labels.length ? labels : [result.suggestion ?? {}]) if (name) votes.set(name, (votes.get(name) ?? 0) + 1);
  }
  const [best, many] = [...votes].sort((a, b) => b[1] - a[1])[0] ?? ["", 0];
  return many >= AGREED * asked.length ? best : "";
}

export class Proposal {
  /** tiles: results in the order shown; only the first may be selected. What a tile stands for goes with it. */
  constructor(tiles = []) {
    this.first = new Map(tiles.slice(0, FIRST).flatMap((tile) => [tile, ...(tile.copies ?? [])].map((one) => [one.image_id, tile])));
    this.suggested = new Set([...this.first.values()].map((tile) => tile.suggestion?.name));
  }

  /** Which of the images are selected while `label` is in the bar. labels: the server's, with how many pictures carry each. */
  under(label, labels) {
    // One that is new cannot be suggested yet, so no suggestion speaks against it; nor does any where no label is meant.
    const told = this.suggested.has(label) || labels.some(({ name, yes }) => name === label && yes >= SUGGESTIBLE);
    const fits = ({ labels: has, suggestion }) => (!told || !suggestion || suggestion.name === label) && !has.some(({ name, state }) => state === "yes" || (state === "no" && name === label));
    return (id) => this.first.has(id) && fits(this.first.get(id));
  }
}
