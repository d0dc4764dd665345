// Mouse and keys on one plot: move or turn, zoom, hover, and the lasso.

const ZOOM = 1.0015; // for a pixel of the wheel
const KEY_ZOOM = 1.3;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const CLICK_PX = 4;

export class Hand {
  /** lassoing(): a drag draws a lasso; hover(place or null, x, y); open(places): what lies within it, or was clicked. */
  constructor(plot, lasso, { lassoing, hover, open }) {
    Object.assign(this, { plot, lasso, lassoing, hover, open, from: null, moved: 0 });
    const { canvas } = plot;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => { lasso.end(); this.from = null; });
    canvas.addEventListener("pointerleave", () => hover(null));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [x, y] = this.at(event);
      plot.look.zoom(ZOOM ** -event.deltaY, (x / plot.width) * 2 - 1, 1 - (y / plot.height) * 2);
      plot.draw();
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  at(event) {
    const box = this.plot.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(event) {
    if (event.button !== 0 || !this.plot.points) return;
    this.plot.canvas.setPointerCapture(event.pointerId);
    this.from = this.at(event);
    this.moved = 0;
    this.hover(null);
    if (this.lassoing() || event.shiftKey) this.lasso.begin(...this.from);
  }

  move(event) {
    const here = this.at(event);
    if (!this.from) { this.hover(this.plot.near(...here), ...here); return; }
    const [dx, dy] = [here[0] - this.from[0], here[1] - this.from[1]];
    this.moved += Math.abs(dx) + Math.abs(dy);
    this.from = here;
    if (this.lasso.corners) this.lasso.move(...here);
    else { this.plot.look.drag(dx, dy); this.plot.draw(); }
  }

  up(event) {
    if (!this.from) return;
    const here = this.at(event);
    this.from = null;
    const polygon = this.lasso.end();
    if (polygon) this.open(this.plot.within(polygon));
    else if (this.moved < CLICK_PX) {
      const place = this.plot.near(...here);
      if (place !== null) this.open([place]);
    }
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.plot.points) return;
    const { look } = this.plot;
    if (ARROWS[event.key]) look.arrow(...ARROWS[event.key]);
    else if (event.key === "+" || event.key === "=") look.zoom(KEY_ZOOM);
    else if (event.key === "-") look.zoom(1 / KEY_ZOOM);
    else if (event.key === "0") look.home();
    else return;
    event.preventDefault();
    this.plot.draw();
  }
}
