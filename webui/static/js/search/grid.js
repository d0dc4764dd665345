// The grid of tiles: rendered in slices as the end comes near, painted from the selection, walked with the arrow keys.

import { h, icon } from "../dom.js";
import { describe, makeTile, renumber } from "./tile.js";

const SLICE = 120;
const RENDER_PX = 900; // below the window: tiles are there before they come into view
const FETCH_PX = 200; // more are asked for only when somebody really gets to the end

export class Grid {
  /** near(): the last rendered tile is close and all are rendered; act(name, index, event): what was done to a tile. */
  constructor(root, end, { near, act }) {
    Object.assign(this, { root, near, act, results: [], tiles: [], limit: 0, current: 0, cutAt: null });
    new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) this.reach(); }, { rootMargin: `${RENDER_PX}px` }).observe(end);
    addEventListener("scroll", () => { if (this.limit && this.below <= FETCH_PX) this.reach(); }, { passive: true });
    this.end = end;
    root.addEventListener("click", (event) => this.on(event, event.target.closest("[data-act]")?.dataset.act ?? (event.shiftKey ? "range" : "toggle")));
    root.addEventListener("dblclick", (event) => { if (!event.target.closest("[data-act]")) this.on(event, "view"); });
    root.addEventListener("mousedown", (event) => { if (event.shiftKey) event.preventDefault(); }); // no text selection
    root.addEventListener("dragstart", (event) => {
      const tile = event.target.closest?.(".tile");
      if (tile) event.dataTransfer.setData("application/x-ruiji-image", tile.dataset.imageId);
    });
    root.addEventListener("focusin", (event) => {
      const tile = event.target.closest(".tile");
      if (tile) this.rove(Number(tile.dataset.index));
    });
    // One pair of buttons goes to the tile under the pointer: a pair in each of a thousand tiles makes scrolling heavy.
    const buttons = h("span", { class: "actions" },
      h("button", { type: "button", tabindex: "-1", "data-act": "search", "aria-label": "Search by this picture", title: "Search by this (S)" }, icon("search")),
      h("button", { type: "button", tabindex: "-1", "data-act": "view", "aria-label": "Full view", title: "Full view (F)" }, icon("full")));
    root.addEventListener("pointerover", (event) => {
      const tile = event.target.closest(".tile");
      if (tile && buttons.parentElement !== tile) tile.append(buttons);
    });
  }

  on(event, name) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    const index = Number(tile.dataset.index);
    this.rove(index);
    tile.focus({ preventScroll: true });
    this.act(name, index, event);
  }

  show(results) {
    Object.assign(this, { results: [...results], tiles: [], limit: results.length, current: 0, cutAt: null });
    this.root.replaceChildren();
    this.root.removeAttribute("aria-busy");
    this.render();
    this.rove(0);
  }

  /** Placeholders while an answer is on its way. */
  wait(count) {
    Object.assign(this, { results: [], tiles: [], limit: 0 });
    this.root.setAttribute("aria-busy", "true");
    const cells = Array.from({ length: count }, (_, n) => h("div", { class: "skeleton", role: "gridcell", vars: { n: n % 12 } }));
    this.root.replaceChildren(h("div", { class: "slice", role: "row" }, ...cells));
  }

  /** cut: an element that says where the new results begin. */
  extend(results, cut) {
    if (cut) {
      this.render(this.results.length);
      this.root.append(h("div", { class: "slice", role: "row" }, h("div", { class: "cut", role: "gridcell" }, cut)));
    }
    this.results.push(...results);
    this.limit = this.results.length;
    this.render();
  }

  render(to = this.tiles.length + SLICE) {
    const last = Math.min(to, this.limit);
    if (last <= this.tiles.length) return;
    const made = [];
    for (let index = this.tiles.length; index < last; index += 1) made.push(makeTile(this.results[index], index));
    this.tiles.push(...made);
    this.root.append(h("div", { class: "slice", role: "row" }, ...made));
    this.painted?.();
  }

  reach() {
    if (this.tiles.length < this.limit) {
      this.render();
      // The observer speaks only when the end comes into view; if it still is, ask again once this slice is laid out.
      requestAnimationFrame(() => { if (this.tiles.length < this.limit && this.below <= RENDER_PX) this.reach(); });
    } else if (this.limit && scrollY > 0 && this.below <= FETCH_PX) this.near();
  }

  /** How far below the window the end of the grid lies, px. */
  get below() {
    return this.end.getBoundingClientRect().top - innerHeight;
  }

  /** What the tile at `index` stood for comes behind it. */
  unfold(index, results) {
    this.results.splice(index + 1, 0, ...results);
    this.limit += results.length;
    const made = results.map((result, n) => makeTile(result, index + 1 + n));
    this.tiles[index].after(...made);
    this.tiles.splice(index + 1, 0, ...made);
    this.tiles.forEach((tile, at) => { if (at >= index) renumber(tile, this.results[at], at); });
    this.focusOn(index);
  }

  /** Tiles from `limit` on lie below the score slider. */
  cut(limit) {
    this.limit = limit;
    this.tiles.forEach((tile, index) => { tile.hidden = index >= limit; });
    if (this.current >= limit) this.rove(Math.max(0, limit - 1));
    this.reach();
  }

  paint(selection) {
    this.tiles.forEach((tile, index) => {
      const id = this.results[index].image_id;
      const on = selection.chosen.has(id) ? "true" : "false";
      if (tile.getAttribute("aria-selected") !== on) tile.setAttribute("aria-selected", on);
      tile.classList.toggle("out", selection.out.has(id));
    });
  }

  redraw(ids, confirmed = false) {
    const wanted = new Set(ids);
    this.tiles.forEach((tile, index) => {
      const result = this.results[index];
      if (!wanted.has(result.image_id)) return;
      describe(tile, result, index);
      tile.classList.toggle("confirmed", confirmed);
    });
  }

  rove(index) {
    this.tiles[this.current]?.setAttribute("tabindex", "-1");
    this.current = index;
    this.tiles[index]?.setAttribute("tabindex", "0");
  }

  get columns() {
    return getComputedStyle(this.root).gridTemplateColumns.split(" ").length;
  }

  get focused() {
    const tile = document.activeElement?.closest?.(".tile") ?? null;
    return this.root.contains(tile) ? tile : null;
  }

  /** Moves the focus; returns the new index, or null where there is no tile. */
  move(key) {
    if (!this.limit) return null;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[key];
    const wanted = this.focused ? this.current + step : this.current;
    const last = this.limit - 1;
    if (wanted < 0 || (wanted > last && Math.floor(this.current / this.columns) === Math.floor(last / this.columns))) return this.focusOn(this.current);
    return this.focusOn(Math.min(wanted, last));
  }

  focusOn(index) {
    this.render(index + this.columns + 1);
    const tile = this.tiles[index];
    if (!tile) return null;
    this.rove(index);
    tile.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest" });
    return index;
  }
}
