// The rubber band: a drag that begins beside the tiles takes in or out whatever tiles it touches, on the page or not.

import { h } from "../dom.js";

const STARTS_PX = 5; // a hand that clicks moves less
const EDGE_PX = 48; // so near to the rim of the window it scrolls
const FASTEST_PX = 28; // a frame

export class Band {
  /** area: where a drag may begin, beside the grid itself; changed(): another selection. */
  constructor(grid, { area, selection, changed }) {
    Object.assign(this, { grid, selection, changed, frame: 0 });
    this.box = h("div", { class: "band", "aria-hidden": "true", hidden: true });
    document.body.append(this.box);
    this.ground = [area, grid.root.parentElement, grid.root, grid.end];
    this.follow = (event) => { this.at = { x: event.clientX, y: event.clientY }; this.soon(); };
    this.scrolled = () => this.soon();
    this.end = () => this.stop();
    this.cancel = (event) => {
      if (event.key !== "Escape" || this.box.hidden) return;
      event.preventDefault();
      event.stopPropagation();
      this.take([]);
      this.stop();
    };
    document.addEventListener("mousedown", (event) => { if (event.button === 0 && grid.limit && this.isGround(event.target)) this.begin(event); });
  }

  isGround(target) {
    return this.ground.includes(target) || (target.matches?.(".row, .cut") && this.grid.root.contains(target));
  }

  begin(event) {
    Object.assign(this, { from: { x: event.clientX, y: event.clientY + scrollY }, at: { x: event.clientX, y: event.clientY }, taking: null, caught: [] });
    this.listen("add");
  }

  listen(how) {
    const turn = `${how}EventListener`;
    window[turn]("mousemove", this.follow);
    window[turn]("scroll", this.scrolled);
    window[turn]("mouseup", this.end);
    window[turn]("blur", this.end);
    window[turn]("keydown", this.cancel, true);
  }

  stop() {
    this.listen("remove");
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.box.hidden = true;
    document.body.classList.remove("banding");
  }

  soon() {
    this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.step(); });
  }

  step() {
    const { from, at } = this;
    const y = from.y - scrollY;
    if (this.box.hidden && Math.hypot(at.x - from.x, at.y - y) < STARTS_PX) return;
    const [left, right, top, bottom] = [Math.min(from.x, at.x), Math.max(from.x, at.x), Math.min(y, at.y), Math.max(y, at.y)];
    this.box.hidden = false;
    document.body.classList.add("banding");
    for (const [name, px] of Object.entries({ x: left, y: top, w: right - left, h: bottom - top })) this.box.style.setProperty(`--${name}`, `${px}px`);
    this.take(this.grid.under({ left, right, top, bottom }));
    const beyond = Math.min(0, at.y - EDGE_PX) || Math.max(0, at.y - innerHeight + EDGE_PX);
    if (!beyond) return;
    scrollBy({ top: Math.sign(beyond) * Math.min(FASTEST_PX, Math.abs(beyond)), behavior: "instant" });
    this.soon();
  }

  /** The first one touched changes sides, and all others get its state; what is let go gets its own back. */
  take(indices) {
    const { selection, caught } = this;
    if (indices.length === caught.length && indices.every((index, n) => index === caught[n])) return;
    this.caught = indices;
    this.taking ??= selection.takingFrom(indices[0], !selection.chosen.has(selection.ids[indices[0]]));
    selection.take(this.taking, indices);
    selection.anchor = null;
    this.changed();
  }
}
