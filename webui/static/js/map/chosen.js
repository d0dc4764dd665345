// The grid of what the lasso caught: looked at, selected, and labelled at once.

import { api } from "../api.js";
import { announce, byId } from "../dom.js";
import { plural } from "../format.js";
import { EXAMPLES, startHunt } from "../hunt/begin.js";
import { Bar } from "../search/bar.js";
import { Chooser } from "../search/chooser.js";
import { Decider } from "../search/decide.js";
import { Selection } from "../search/selection.js";
import { carried } from "../search/tile.js";
import { toast } from "../toast.js";

const MOST = 1000; // as many as the server shows at once

export class Chosen {
  /** closed(): nothing is chosen any more; decided(): labels have changed. */
  constructor({ closed, decided }) {
    Object.assign(this, { closed, results: [], byImage: new Map(), encoder: null, labels: [], turn: 0 });
    this.selection = new Selection();
    this.chooser = new Chooser({
      selection: this.selection,
      results: () => this.results,
      changed: () => this.paint(),
      area: byId("results"),
      search: (result) => { location.href = `/?image=${result.image_id}`; },
    });
    const { grid } = this.chooser;
    this.decider = new Decider({
      selection: this.selection,
      result: (id) => this.byImage.get(id),
      encoder: () => this.encoder,
      labels: () => this.labels,
      shown: (ids, confirmed) => { grid.redraw(ids, confirmed); this.paint(); },
      changed: (counts) => { this.bar.undoable(this.decider.undoable); if (counts) decided(); },
    });
    this.bar = new Bar({
      confirm: () => this.act.confirm(), hunt: () => this.act.hunt(), invert: () => this.act.invert(), undo: () => this.act.undo(),
      leave: () => grid.focusOn(grid.current),
    });
    byId("chosen-close").addEventListener("click", () => this.close());
  }

  get act() {
    const { chooser, decider, bar } = this;
    return {
      ...chooser.act,
      clear: () => { if (this.selection.selected.length) return chooser.act.clear(); if (byId("results").hidden) return false; this.close(); return true; },
      confirm: () => { if (!this.results.length) return false; if (bar.label) decider.confirm(bar.label); else if (this.selection.selected.length) bar.focus(); return true; },
      undo: () => { decider.undo(); return true; },
      label: () => { if (!this.results.length) return false; bar.focus(); return true; },
      hunt: () => { if (!this.results.length) return false; this.hunt(); return true; },
    };
  }

  /** For the chosen label, from the first photos that are selected. */
  hunt() {
    if (this.bar.label) startHunt(this.bar.label, this.selection.selected.slice(0, EXAMPLES).map((id) => ({ image_id: id, sign: 1 })));
    else { this.bar.focus(); toast("Choose or type the label to hunt for first."); }
  }

  offer(labels) {
    this.labels = labels;
    this.bar.offer(labels);
  }

  paint() {
    this.chooser.grid.paint();
    const labelled = this.selection.selected.filter((id) => carried(this.byImage.get(id)).length).length;
    this.bar.show({ selected: this.selection.selected.length, shown: this.results.length, labelled });
  }

  /** Shows these images of a map, most like the middle of all first. */
  async open(map, imageIds) {
    const mine = this.turn += 1;
    const some = imageIds.slice(0, MOST);
    byId("results").hidden = false;
    byId("chosen-title").textContent = plural(imageIds.length, "photo");
    byId("chosen-note").textContent = imageIds.length > MOST ? `the first ${MOST.toLocaleString("en")} are shown` : "most typical first";
    this.chooser.grid.wait(Math.min(some.length, 40));
    this.bar.hide();
    try {
      const found = await api(`/maps/${map.id}/images`, { method: "POST", json: { image_ids: some } });
      if (mine !== this.turn) return;
      Object.assign(this, { results: found.results, byImage: new Map(found.results.map((one) => [one.image_id, one])), encoder: found.encoder });
    } catch (error) {
      if (mine !== this.turn) return;
      toast(`The photos cannot be shown: ${error.message}`, { bad: true });
      this.close();
      return;
    }
    const open = (id) => carried(this.byImage.get(id)).length === 0;
    this.selection.reset(this.results.map((result) => result.image_id), open);
    this.chooser.grid.show(this.results);
    this.bar.suggest(this.results);
    this.paint();
    byId("chosen-title").scrollIntoView({ block: "nearest" });
    announce(`${plural(this.results.length, "photo")} below the map`);
  }

  close() {
    this.turn += 1;
    this.results = [];
    this.selection.reset([], () => false);
    byId("results").hidden = true;
    this.bar.hide();
    this.closed();
  }
}
