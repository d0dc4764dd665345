// A line drawn around points: which of them lie within.

const SVG = "http://www.w3.org/2000/svg";
const LEAST_PX = 3; // between two corners

/** Whether a point lies within a polygon of [x, y], which closes by itself (even-odd rule). */
export function within(polygon, x, y) {
  let inside = false;
  for (let at = 0, before = polygon.length - 1; at < polygon.length; before = at, at += 1) {
    const [[ax, ay], [bx, by]] = [polygon[at], polygon[before]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

export class Lasso {
  constructor(svg) {
    this.svg = svg;
    this.line = document.createElementNS(SVG, "polygon");
    this.corners = null;
  }

  begin(x, y) {
    this.corners = [[x, y]];
    this.svg.replaceChildren(this.line);
    this.draw();
  }

  move(x, y) {
    const [lastX, lastY] = this.corners.at(-1);
    if (Math.hypot(x - lastX, y - lastY) < LEAST_PX) return;
    this.corners.push([x, y]);
    this.draw();
  }

  draw() {
    this.line.setAttribute("points", this.corners.map((corner) => corner.join(",")).join(" "));
  }

  /** Ends the line; the polygon, or null where it is hardly one. */
  end() {
    const { corners } = this;
    this.corners = null;
    this.svg.replaceChildren();
    return corners && corners.length > 2 ? corners : null;
  }
}
