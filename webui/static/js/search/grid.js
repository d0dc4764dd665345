// The grid of tiles: of many, only the rows near the window are on the page; walked with the arrow keys.

import { h, icon } from "../dom.js";
import { Layout } from "./layout.js";
import { onSize } from "./size.js";
import { describe, makeTile, renumber } from "./tile.js";

const KEPT = 240; // up to so many tiles all are on the page, where a search within it finds them
const AHEAD_PX = 600; // above and below the window: tiles are there before they come into view
const AT_ONCE = 60; // tiles out of view that are made before the next frame
const FETCH_PX = 200; // more are asked for only when somebody really gets to the end
const LIT = 60; // tiles that light up when they are confirmed: of more, each would be drawn anew in every frame
const GAP_PX = 8;
const LINE_PX = 37;

export class Grid {
  /** near(): somebody has got to the end of the last tile; act(name, index, event): what was done to a tile. */
  constructor(root, end, { selection, near, act }) {
    Object.assign(this, { root, end, selection, near, act, width: 0, cell: 160, columns: 1, frame: 0 });
    this.empty([]);
    root.style.setProperty("--cut", `${LINE_PX}px`);
    addEventListener("scroll", () => this.soon(), { passive: true });
    new ResizeObserver(() => { if (root.clientWidth !== this.width) this.resize(); }).observe(root);
    onSize(() => this.resize());
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
    // One pair of buttons goes to the tile under the pointer: a pair in each tile makes scrolling heavy.
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

  empty(results) {
    Object.assign(this, { results: [...results], limit: results.length, current: 0, lines: new Map(), rows: new Map(), tiles: new Map(), top: null });
    this.root.replaceChildren();
  }

  show(results) {
    this.empty(results);
    this.root.removeAttribute("aria-busy");
    this.measure();
    this.arrange();
  }

  /** Placeholders while an answer is on its way. */
  wait(count) {
    this.empty([]);
    this.root.setAttribute("aria-busy", "true");
    this.root.removeAttribute("aria-rowcount");
    this.root.style.removeProperty("--height");
    const cells = Array.from({ length: count }, (_, n) => h("div", { class: "skeleton", role: "gridcell", vars: { n: n % 12 } }));
    this.root.append(h("div", { class: "waiting", role: "row" }, ...cells));
  }

  /** line: what stands between these results and those before; null for nothing. */
  extend(results, line) {
    if (line) this.lines.set(this.results.length, line);
    this.results.push(...results);
    this.limit = this.results.length;
    this.arrange();
  }

  /** Whether a line lies between some of the results. */
  get divided() {
    return this.lines.size > 0;
  }

  /** What the tile at `index` stood for comes behind it. */
  unfold(index, results) {
    this.results.splice(index + 1, 0, ...results);
    this.limit += results.length;
    this.lines = new Map([...this.lines].map(([at, line]) => [at > index ? at + results.length : at, line]));
    renumber(this.tile(index), this.results[index], index); // it says no more that it stands for others
    this.arrange();
    this.focusOn(index);
  }

  /** Tiles from `limit` on lie below the score slider. */
  cut(limit) {
    this.limit = limit;
    this.rove(Math.max(0, Math.min(this.current, limit - 1)));
    this.arrange();
    this.reach();
  }

  /** False while the grid is hidden: then it has no columns. */
  measure() {
    this.width = this.root.clientWidth;
    if (!this.width) return false;
    const tracks = getComputedStyle(this.root).gridTemplateColumns.split(" ");
    [this.columns, this.cell] = [tracks.length, parseFloat(tracks[0])];
    return true;
  }

  /** Another width, or another size of tiles: what was at the top of the window stays there. */
  resize() {
    if (this.measure() && this.limit) this.arrange(this.top);
  }

  /** Rows that hold what they held keep their elements, and tiles theirs wherever they go; `top` is what to scroll to before. */
  arrange(top = null) {
    const { root, columns } = this;
    const held = this.focused;
    this.layout = new Layout({ count: this.limit, lines: [...this.lines.keys()], columns, cell: this.cell, gap: GAP_PX, line: LINE_PX });
    root.style.setProperty("--height", `${Math.max(0, this.layout.height - GAP_PX)}px`);
    root.style.setProperty("--columns", columns);
    root.setAttribute("aria-rowcount", this.layout.rows);
    root.setAttribute("aria-colcount", columns);
    if (top) {
      const { top: now } = this.layout.at(this.layout.rowOf(Math.min(top.index, this.limit - 1)));
      scrollBy({ top: root.getBoundingClientRect().top + now + top.share * this.layout.pitch, behavior: "instant" });
    }
    for (const [number, row] of this.rows) if (!this.same(row, number)) { row.element.remove(); this.rows.delete(number); }
    this.draw();
    for (const [id, tile] of this.tiles) if (!tile.isConnected) this.forget(id, tile);
    if (held?.isConnected && document.activeElement !== held) held.focus({ preventScroll: true });
  }

  same(row, number) {
    if (number >= this.layout.rows) return false;
    const { line, first, next, top } = this.layout.at(number);
    if (line !== row.line || next - first !== row.tiles.length || row.tiles.some((tile, n) => tile !== this.tile(first + n))) return false;
    row.element.style.setProperty("--y", `${top}px`);
    return true;
  }

  soon() {
    if (!this.limit) return;
    this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.draw(); this.reach(); });
  }

  /** Brings the rows near the window, and the one whose tile has the tab stop; takes the others off the page. */
  draw() {
    if (!this.limit) return;
    const { layout, rows } = this;
    const top = -this.root.getBoundingClientRect().top; // of the window, within the grid
    const all = [0, layout.rows - 1];
    const seen = this.limit <= KEPT ? all : layout.between(top, top + innerHeight);
    const near = this.limit <= KEPT ? all : layout.between(top - AHEAD_PX, top + innerHeight + AHEAD_PX);
    const at = layout.at(layout.between(top, top)[0]);
    const still = this.top && at.first <= this.top.index && this.top.index < at.next; // or it would drift as sizes change
    this.top = top > 0 ? { index: still ? this.top.index : at.first, share: (top - at.top) / layout.pitch } : null;
    const home = layout.rowOf(this.current);
    for (const number of rows.keys()) if ((number < near[0] || number > near[1]) && number !== home) this.drop(number);
    this.place(home);
    for (let number = seen[0]; number <= seen[1]; number += 1) this.place(number);
    let made = 0;
    for (let by = 1; seen[0] - by >= near[0] || seen[1] + by <= near[1]; by += 1) {
      for (const number of [seen[1] + by, seen[0] - by]) {
        if (number < near[0] || number > near[1] || rows.has(number)) continue;
        if (made >= AT_ONCE) { this.soon(); return; }
        made += this.place(number);
      }
    }
  }

  /** Puts a row where it belongs, also among its neighbours on the page; says how many tiles that took. */
  place(number) {
    if (this.rows.has(number)) return 0;
    const { line, first, next, top } = this.layout.at(number);
    const tiles = Array.from({ length: next - first }, (_, column) => this.made(first + column, column));
    const across = line && h("div", { class: "cut", role: "gridcell", "aria-colspan": String(this.columns) }, this.lines.get(first));
    const element = h("div", { class: "row", role: "row", "aria-rowindex": String(number + 1), vars: { y: `${top}px` } }, across, ...tiles);
    let after = null;
    for (const other of this.rows.keys()) if (other > number && (after === null || other < after)) after = other;
    this.root.insertBefore(element, after === null ? null : this.rows.get(after).element);
    this.rows.set(number, { element, line, tiles });
    return tiles.length;
  }

  made(index, column) {
    const result = this.results[index];
    let tile = this.tiles.get(result.image_id);
    if (!tile) {
      tile = makeTile(result, index);
      this.tiles.set(result.image_id, tile);
      this.mark(tile, result.image_id);
    } else if (tile.dataset.index !== String(index)) renumber(tile, result, index);
    tile.setAttribute("aria-colindex", column + 1);
    tile.setAttribute("tabindex", index === this.current ? "0" : "-1");
    return tile;
  }

  drop(number) {
    const { element, tiles } = this.rows.get(number);
    element.remove();
    this.rows.delete(number);
    for (const tile of tiles) this.forget(Number(tile.dataset.imageId), tile);
  }

  forget(id, tile) {
    tile.querySelector("img").removeAttribute("src"); // one still on its way would keep those that are seen waiting
    this.tiles.delete(id);
  }

  /** The tile of a result, if it is on the page. */
  tile(index) {
    return this.tiles.get(this.results[index]?.image_id);
  }

  /** The tiles that a rectangle in the window touches, on the page or not. */
  under({ left, right, top, bottom }) {
    const at = this.root.getBoundingClientRect();
    return this.layout.touched({ left: left - at.left, right: right - at.left, top: top - at.top, bottom: bottom - at.top });
  }

  reach() {
    if (this.limit && scrollY > 0 && this.end.getBoundingClientRect().top - innerHeight <= FETCH_PX) this.near();
  }

  mark(tile, id) {
    const on = String(this.selection.chosen.has(id));
    if (tile.getAttribute("aria-selected") !== on) tile.setAttribute("aria-selected", on);
    tile.classList.toggle("out", this.selection.out.has(id));
  }

  paint() {
    for (const [id, tile] of this.tiles) this.mark(tile, id);
  }

  redraw(ids, confirmed = false) {
    const wanted = new Set(ids);
    for (const [id, tile] of this.tiles) {
      if (!wanted.has(id)) continue;
      const index = Number(tile.dataset.index);
      describe(tile, this.results[index], index);
      tile.classList.toggle("confirmed", confirmed && wanted.size <= LIT);
    }
  }

  rove(index) {
    this.tile(this.current)?.setAttribute("tabindex", "-1");
    this.current = index;
    this.tile(index)?.setAttribute("tabindex", "0");
  }

  get focused() {
    const tile = document.activeElement?.closest?.(".tile") ?? null;
    return this.root.contains(tile) ? tile : null;
  }

  /** Moves the focus; returns the new index, or null where there is no tile. */
  move(key) {
    if (!this.limit) return null;
    return this.focusOn(this.focused ? this.layout.step(this.current, key) : this.current);
  }

  focusOn(index) {
    if (!(index >= 0 && index < this.limit)) return null;
    this.place(this.layout.rowOf(index));
    this.rove(index);
    const tile = this.tile(index);
    tile.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest" });
    return index;
  }
}
