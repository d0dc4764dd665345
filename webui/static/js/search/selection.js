// Which of the shown images are selected. Knows ids and their order, and which stand for others; nothing of the page.

export class Selection {
  constructor() {
    this.reset([], () => false);
  }

  /**
   * ids of the tiles in the order shown; open(id): may be selected without being asked for one by one (it has no label
   * yet); chosen(id): arrives selected; stands: id -> ids that its tile stands for too, which share its fate.
   */
  reset(ids, open, chosen = open, stands = new Map()) {
    this.ids = [...ids];
    this.stands = new Map(stands);
    this.limit = this.ids.length; // ids from here on lie below the score slider
    this.openIds = new Set(this.images(this.ids).filter(open));
    this.chosen = new Set(this.images(this.ids).filter(chosen));
    this.out = new Set(); // taken out by hand: shown faded
    this.anchor = null;
  }

  /** More ids below; they arrive unselected, for nobody has looked at them. */
  extend(ids, open, stands = new Map()) {
    this.ids.push(...ids);
    for (const [id, others] of stands) this.stands.set(id, others);
    for (const id of this.images(ids)) if (open(id)) this.openIds.add(id);
  }

  /** What a tile stood for gets tiles of its own behind it, in the state that it had. */
  unfold(index) {
    const id = this.ids[index];
    const others = this.stands.get(id) ?? [];
    this.stands.delete(id);
    this.ids.splice(index + 1, 0, ...others);
    if (index < this.limit) this.limit += others.length;
    this.anchor = null;
  }

  /** All images that these tiles stand for. */
  images(ids) {
    return this.stands.size ? ids.flatMap((id) => [id, ...(this.stands.get(id) ?? [])]) : ids;
  }

  get tiles() {
    return this.ids.slice(0, this.limit);
  }

  get shown() {
    return this.images(this.tiles);
  }

  get selected() {
    return this.shown.filter((id) => this.chosen.has(id));
  }

  set(tile, on) {
    for (const id of [tile, ...(this.stands.get(tile) ?? [])]) {
      if (on) {
        this.chosen.add(id);
        this.out.delete(id);
      } else if (this.chosen.delete(id)) this.out.add(id);
    }
  }

  toggle(index) {
    const id = this.ids[index];
    this.set(id, !this.chosen.has(id));
    this.anchorAt(index);
  }

  anchorAt(index) {
    this.anchor = { index, on: this.chosen.has(this.ids[index]), chosen: new Set(this.chosen), out: new Set(this.out) };
  }

  /** From the last tile touched to `index`, all get that tile's state; a range made shorter gives back what it took. */
  rangeTo(index, from = index) {
    if (!this.anchor) this.anchorAt(from);
    const { index: start, on } = this.anchor;
    this.chosen = new Set(this.anchor.chosen);
    this.out = new Set(this.anchor.out);
    for (let i = Math.min(start, index); i <= Math.max(start, index); i += 1) this.set(this.ids[i], on);
  }

  /** All that are shown, loaded on screen or not; a second time: none. */
  all() {
    const shown = this.shown;
    const full = shown.every((id) => this.chosen.has(id));
    this.clear();
    if (!full) for (const id of shown) this.chosen.add(id);
  }

  /** Open images change sides; those that carry a label stay out unless chosen by hand. */
  invert() {
    const { tiles } = this;
    const pool = tiles.filter((id) => this.openIds.has(id));
    for (const id of pool.length ? pool : tiles) this.set(id, !this.chosen.has(id));
    this.anchor = null;
  }

  clear() {
    this.chosen.clear();
    this.out.clear();
    this.anchor = null;
  }

  /** These ids are done with (they carry the label now): neither selected nor open nor faded. */
  settle(ids) {
    for (const id of ids) for (const set of [this.chosen, this.out, this.openIds]) set.delete(id);
    this.anchor = null;
  }

  /** The opposite of settle, for an undo. */
  reopen(ids) {
    const known = new Set(this.images(this.ids));
    for (const id of ids) if (known.has(id)) { this.openIds.add(id); this.chosen.add(id); }
    this.anchor = null; // what it remembers is from before
  }
}
