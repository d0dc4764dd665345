// One side of a comparison: a label's pictures in a grid that goes on as its end is reached; nothing arrives selected.

import { byId } from "../dom.js";
import { count } from "../format.js";
import { Chooser } from "../search/chooser.js";
import { Selection } from "../search/selection.js";

const AT_ONCE = 60;
const some = () => true;
const none = () => false;

export class Side {
  /** name: of its elements; page: what the tabs of a label share; changed(): another selection. */
  constructor(name, { page, changed }) {
    Object.assign(this, { name, page, results: [], pair: null, exhausted: true, extending: false, signal: null, gone: new Set() });
    this.selection = new Selection();
    this.chooser = new Chooser({
      selection: this.selection, results: () => this.results, changed, search: page.search, near: () => this.more(),
      place: [byId(`${name}-grid`), byId(`${name}-end`)], area: byId(`${name}-end`), view: page.view,
    });
    this.changed = changed;
  }

  get grid() {
    return this.chooser.grid;
  }

  leave() {
    Object.assign(this, { results: [], exhausted: true, gone: new Set() });
    this.selection.reset([], some, none);
    byId(`${this.name}-title`).replaceChildren();
    byId(`${this.name}-note`).textContent = "";
    byId(`${this.name}-end`).textContent = "";
  }

  wait() {
    this.grid.wait(24);
  }

  ask(offset) {
    const [label, other] = this.pair;
    return this.page.get(`/labels/${label}/against/${other}?offset=${offset}&limit=${AT_ONCE}`, this.signal);
  }

  async load(pair, signal) {
    Object.assign(this, { pair, signal });
    const found = await this.ask(0);
    if (!signal.aborted) this.show(found.results.map((result) => ({ ...result, home: found.label.id })), found);
    return found;
  }

  show(results, found) {
    this.results = results;
    this.total = found.total;
    this.encoder = found.encoder;
    this.exhausted = results.length >= found.total;
    this.selection.reset(results.map((result) => result.image_id), some, none);
    this.grid.show(results);
    this.note();
  }

  title(own, other) {
    byId(`${this.name}-title`).replaceChildren(own, " most like ", other);
  }

  note() {
    byId(`${this.name}-note`).textContent = this.total ? `${count(this.results.length)} of ${count(this.total)} shown` : "No picture to compare: each needs a vector, and not both labels";
  }

  paint() {
    this.grid.paint();
  }

  clear() {
    this.selection.clear();
    this.changed();
  }

  request(to) {
    const [label, other] = this.pair;
    return { path: `/labels/${label}/against/${other}`, json: { image_ids: this.selection.selected, to, encoder: this.encoder } };
  }

  /** These are gone from the label: what is left keeps its order, and the focus its place. */
  drop(ids) {
    for (const id of ids) this.gone.add(id);
    const at = this.grid.focused ? this.grid.current : null;
    this.results = this.results.filter((result) => !this.gone.has(result.image_id));
    this.total -= ids.length;
    this.selection.reset(this.results.map((result) => result.image_id), some, none);
    this.grid.show(this.results);
    this.note();
    if (at !== null && this.results.length) this.grid.focusOn(Math.min(at, this.results.length - 1));
  }

  /** The end is near: the next ones, unselected. */
  async more() {
    if (this.extending || this.exhausted || this.signal.aborted) return;
    this.extending = true;
    const { signal } = this;
    try {
      const found = await this.ask(this.results.length);
      if (signal.aborted) return;
      // The server may not have heard yet of what was decided here: that does not come back.
      const known = new Set([...this.results.map((result) => result.image_id), ...this.gone]);
      const fresh = found.results.filter((result) => !known.has(result.image_id)).map((result) => ({ ...result, home: found.label.id }));
      this.results.push(...fresh);
      this.total = found.total;
      this.exhausted = !found.results.length || this.results.length >= found.total;
      this.selection.extend(fresh.map((result) => result.image_id), some);
      this.grid.extend(fresh);
      this.note();
      this.changed();
    } catch (error) {
      if (!signal.aborted) byId(`${this.name}-end`).textContent = `More could not be loaded: ${error.message}`;
    } finally {
      this.extending = false;
    }
  }
}
