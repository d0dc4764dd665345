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
    this.byHand = false; // nobody has chosen anything yet: what is selected is the page's proposal
    this.anchor = null;
  }

  /** Another proposal, as long as nobody has chosen by hand. */
  propose(chosen) {
    if (this.byHand) return;
    this.chosen = new Set(this.images(this.ids).filter(chosen));
    this.lists.selected = undefined;
  }

  /** More ids below; they arrive unselected, for nobody has looked at them. */
  extend(ids, open, stands = new Map()) {
    this.ids.push(...ids);
    for (const [id, others] of stands) this.stands.set(id, others);
    for (const id of this.images(ids)) if (open(id)) this.openIds.add(id);
    this.lists = {};
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

  get limit() {
    return this.end;
  }

  set limit(end) {
    this.end = end;
    this.lists = {}; // made when they are asked for, and kept until something changes: a key asks several times
  }

  get tiles() {
    return (this.lists.tiles ??= this.ids.slice(0, this.limit));
  }

  get shown() {
    return (this.lists.shown ??= this.images(this.tiles));
  }

  get selected() {
    return (this.lists.selected ??= this.shown.filter((id) => this.chosen.has(id)));
  }

  set(tile, on) {
    for (const id of [tile, ...(this.stands.get(tile) ?? [])]) {
      if (on) {
        this.chosen.add(id);
        this.out.delete(id);
      } else if (this.chosen.delete(id)) this.out.add(id);
    }
    this.lists.selected = undefined;
  }

  toggle(index) {
    const id = this.ids[index];
    this.byHand = true;
    this.set(id, !this.chosen.has(id));
    this.anchorAt(index);
  }

  anchorAt(index) {
    this.anchor = this.takingFrom(index, this.chosen.has(this.ids[index]));
  }

  /** What a range or a rubber band does from here on: `on` to what it takes; `before` is how that was. */
  takingFrom(index, on) {
    return { index, on, before: new Map() };
  }

  /** What is taken now gets the state of `taking`; what was before, and is no more, gets its own back. */
  take(taking, indices) {
    const now = new Set(indices.map((index) => this.ids[index]));
    this.byHand = true;
    for (const [id, state] of taking.before) {
      if (now.has(id)) continue;
      this.put(state);
      taking.before.delete(id);
    }
    for (const id of now) {
      if (taking.before.has(id)) continue;
      taking.before.set(id, [id, ...(this.stands.get(id) ?? [])].map((one) => [one, this.chosen.has(one), this.out.has(one)]));
      this.set(id, taking.on);
    }
    this.lists.selected = undefined;
  }

  put(states) {
    for (const [id, chosen, out] of states) {
      this.chosen[chosen ? "add" : "delete"](id);
      this.out[out ? "add" : "delete"](id);
    }
  }

  /** From the last tile touched to `index`, all get that tile's state; a range made shorter gives back what it took. */
  rangeTo(index, from = index) {
    if (!this.anchor) this.anchorAt(from);
    const low = Math.min(this.anchor.index, index);
    this.take(this.anchor, Array.from({ length: Math.max(this.anchor.index, index) - low + 1 }, (_, n) => low + n));
  }

  /** All that are shown, loaded on screen or not; a second time: none. */
  all() {
    const { shown, selected } = this;
    this.clear();
    if (selected.length < shown.length) for (const id of shown) this.chosen.add(id);
  }

  /** Open images change sides; those that carry a label stay out unless chosen by hand. */
  invert() {
    const { tiles } = this;
    const pool = tiles.filter((id) => this.openIds.has(id));
    this.byHand = true;
    for (const id of pool.length ? pool : tiles) this.set(id, !this.chosen.has(id));
    this.anchor = null;
  }

  clear() {
    this.byHand = true;
    this.chosen.clear();
    this.out.clear();
    this.anchor = null;
    this.lists.selected = undefined;
  }

  /** These ids are done with (they carry the label now): neither selected nor open nor faded. */
  settle(ids) {
    for (const id of ids) for (const set of [this.chosen, this.out, this.openIds]) set.delete(id);
    this.anchor = null;
    this.lists.selected = undefined;
  }

  /** The opposite of settle, for an undo. */
  reopen(ids) {
    const known = new Set(this.images(this.ids));
    for (const id of ids) if (known.has(id)) { this.openIds.add(id); this.chosen.add(id); }
    this.anchor = null; // what it remembers is from before
    this.lists.selected = undefined;
  }
}
