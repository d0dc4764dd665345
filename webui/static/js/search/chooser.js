// Choosing among pictures, on every page with a grid: tiles, full view, and what keys and mouse do with them.

import { announce, byId } from "../dom.js";
import { count } from "../format.js";
import { Band } from "./band.js";
import { unfold } from "./folds.js";
import { Grid } from "./grid.js";
import { View } from "./view.js";

export class Chooser {
  /**
   * results(): what is shown; changed(): another selection; search(result): by this picture; near(): the grid's end is.
   * place: where the tiles go, and what ends them; area: where a rubber band may begin, beside them. A page with several
   * grids gives them one view.
   */
  constructor({ selection, results, changed, search, near = () => {}, place = [byId("grid"), byId("grid-end")], area = byId("main"), view = null }) {
    Object.assign(this, { selection, results, changed, search });
    this.grid = new Grid(...place, {
      selection,
      near,
      act: (name, index) => ({
        toggle: () => this.toggle(index),
        range: () => { selection.rangeTo(index); changed(); },
        search: () => this.searchBy(index),
        view: () => this.open(index),
        unfold: () => this.unfold(index),
      })[name]?.(),
    });
    new Band(this.grid, { area, selection, changed });
    this.seen = {
      of: (index) => (index < selection.limit ? results()[index] : undefined),
      total: () => selection.limit,
      search: (index) => this.searchBy(index),
      toggle: (index) => this.toggle(index),
      selected: (index) => selection.chosen.has(results()[index]?.image_id),
      closed: (index) => { if (index < selection.limit) this.grid.focusOn(index); },
    };
    this.view = view ?? new View();
  }

  open(index) {
    this.view.open(index, this.seen);
  }

  toggle(index) {
    this.selection.toggle(index);
    this.changed();
  }

  /** Near-identical pictures get a tile each, to be decided one by one. Says false where there are none. */
  unfold(index) {
    const result = this.results()[index];
    const copies = index < this.selection.limit ? unfold(result) : null;
    if (!copies) return false;
    this.results().splice(index + 1, 0, ...copies);
    this.selection.unfold(index);
    this.grid.unfold(index, copies);
    this.changed();
    announce(`${count(copies.length + 1)} near-identical pictures, each with a tile now`);
    return true;
  }

  searchBy(index) {
    const result = this.results()[index];
    if (result) this.search(result);
  }

  /** What the keys do, as keys.js wants it; each says false when there was nothing to do it with. */
  get act() {
    const { grid, selection, changed } = this;
    const some = (run) => () => { if (!this.results().length) return false; run(); return true; };
    return {
      move: (key, range) => {
        const from = grid.current;
        const index = this.results().length ? grid.move(key) : null;
        if (index === null) return false;
        if (range) { selection.rangeTo(index, from); changed(); } else selection.anchorAt(index);
        return true;
      },
      toggle: () => { if (!grid.focused) return false; this.toggle(grid.current); return true; },
      all: some(() => { selection.all(); changed(); }),
      invert: some(() => { selection.invert(); changed(); }),
      clear: some(() => { selection.clear(); changed(); }),
      search: () => { if (!grid.focused) return false; this.searchBy(grid.current); return true; },
      view: some(() => this.open(grid.current)),
      unfold: () => Boolean(grid.focused) && this.unfold(grid.current),
      help: () => { byId("help").showModal(); return true; },
    };
  }
}
