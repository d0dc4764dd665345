// One measured number over the epochs of a run, as a line: a small SVG that grows while the run learns.

import { h } from "../dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 80;
const MARGIN = 4;

function s(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export class Curve {
  /** `name` as a heading, `key` of an epoch, `show(value)` as text. */
  constructor(name, key, show) {
    Object.assign(this, { name, key, showValue: show, points: [], epochs: 1, pointer: null });
    this.value = h("b", {});
    this.path = s("path", { class: "curve-line" });
    this.dot = s("circle", { class: "curve-dot", r: 3 });
    this.cross = s("path", { class: "curve-cross" });
    this.svg = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    this.svg.append(this.cross, this.path, this.dot);
    this.from = h("span", {}, "1");
    this.to = h("span", {});
    this.top = h("span", {});
    this.bottom = h("span", {});
    this.root = h("figure", { class: "curve" }, h("figcaption", {}, name, " ", this.value),
      h("div", { class: "curve-plot" }, h("div", { class: "curve-scale", "aria-hidden": "true" }, this.top, this.bottom), this.svg,
        h("div", { class: "curve-axis", "aria-hidden": "true" }, this.from, this.to)));
    this.svg.addEventListener("pointermove", (event) => { this.pointer = event.clientX; this.look(); });
    this.svg.addEventListener("pointerleave", () => { this.pointer = null; this.rest(); });
  }

  /** Draws these epochs, of `epochs` in all; a curve without a value is hidden. */
  draw(curve, epochs) {
    this.points = curve.filter((one) => one[this.key] !== null);
    this.epochs = Math.max(epochs ?? 1, curve.at(-1)?.epoch ?? 1);
    this.root.hidden = !this.points.length;
    if (!this.points.length) return;
    const values = this.points.map((one) => one[this.key]);
    this.low = Math.min(...values);
    this.high = Math.max(...values);
    this.top.textContent = this.showValue(this.high);
    this.bottom.textContent = this.high > this.low ? this.showValue(this.low) : "";
    this.path.setAttribute("d", this.points.map((one, at) => `${at ? "L" : "M"}${this.x(one).toFixed(1)} ${this.y(one).toFixed(1)}`).join(""));
    this.to.textContent = `epoch ${this.epochs}`;
    this.svg.setAttribute("aria-label", `${this.name} by epoch: ${this.showValue(values[0])} at first, ${this.showValue(values.at(-1))} after epoch ${this.points.at(-1).epoch}`);
    if (this.pointer === null) this.rest(); else this.look(); // what is pointed at stays, whatever came since
  }

  x(one) {
    return MARGIN + ((one.epoch - 1) / Math.max(1, this.epochs - 1)) * (WIDTH - 2 * MARGIN);
  }

  y(one) {
    const share = this.high > this.low ? (one[this.key] - this.low) / (this.high - this.low) : 0.5;
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN);
  }

  mark(one) {
    this.dot.setAttribute("cx", this.x(one).toFixed(1));
    this.dot.setAttribute("cy", this.y(one).toFixed(1));
  }

  rest() {
    const last = this.points.at(-1);
    if (!last) return;
    this.mark(last);
    this.cross.setAttribute("d", "");
    this.value.textContent = this.showValue(last[this.key]);
    this.to.textContent = `epoch ${this.epochs}`;
  }

  look() {
    if (!this.points.length) return;
    const box = this.svg.getBoundingClientRect();
    const wanted = ((this.pointer - box.left) / box.width) * WIDTH;
    const near = this.points.reduce((best, one) => (Math.abs(this.x(one) - wanted) < Math.abs(this.x(best) - wanted) ? one : best));
    this.mark(near);
    this.cross.setAttribute("d", `M${this.x(near).toFixed(1)} 0V${HEIGHT}`);
    this.value.textContent = this.showValue(near[this.key]);
    this.to.textContent = `epoch ${near.epoch} of ${this.epochs}`;
  }
}
