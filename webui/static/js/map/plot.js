// One map as points, drawn by three.js when something changed; knows places on the screen, nothing of labels.

import { BufferAttribute, BufferGeometry, CanvasTexture, Color, Points, PointsMaterial, Scene, Vector3, WebGLRenderer } from "../../vendor/three/three.module.min.js";
import { Flat, Space } from "./camera.js";
import { within } from "./lasso.js";

const SIZE = { few: 9, many: 5 }; // px of a point; many: from MANY on
const MANY = 2000;
const MARKED = 1.9; // times as large
const NEAR_PX = 9;
const TURN_S = 0.25; // radians in a second

/** A white disc, which the points' colours are multiplied with. */
function disc() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.beginPath();
  pen.arc(32, 32, 30, 0, 7);
  pen.fill();
  return new CanvasTexture(canvas);
}

export class Plot {
  /** Throws where the browser draws no WebGL. */
  constructor(canvas) {
    this.canvas = canvas;
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.scene = new Scene();
    this.texture = disc();
    this.look = new Flat();
    this.points = null;
    this.shown = [];
    this.turning = false;
    this.wanted = false;
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.resize();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.renderer.setSize(width, height, false);
    Object.assign(this, { width, height });
    this.look.resize(width, height);
    this.draw();
  }

  /** points: image_ids, x, y and z, or z null. */
  show(points) {
    const inSpace = points.z !== null;
    if (inSpace !== this.look instanceof Space) this.look = inSpace ? new Space() : new Flat();
    this.places = new Float32Array(points.image_ids.length * 3);
    points.x.forEach((x, at) => this.places.set([x, points.y[at], inSpace ? points.z[at] : 0], at * 3));
    const size = points.image_ids.length < MANY ? SIZE.few : SIZE.many;
    for (const old of [this.points, this.marks]) if (old) { this.scene.remove(old); old.geometry.dispose(); old.material.dispose(); }
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(this.places, 3));
    geometry.setAttribute("color", new BufferAttribute(new Float32Array(this.places.length), 3));
    const alike = { map: this.texture, alphaTest: 0.4, sizeAttenuation: false, transparent: true };
    const ratio = this.renderer.getPixelRatio();
    this.points = new Points(geometry, new PointsMaterial({ ...alike, size: size * ratio, vertexColors: true, opacity: 0.85 }));
    const marked = new BufferGeometry();
    marked.setAttribute("position", geometry.getAttribute("position"));
    marked.setIndex([]);
    this.marks = new Points(marked, new PointsMaterial({ ...alike, size: size * MARKED * ratio, depthTest: false, depthWrite: false }));
    this.marks.renderOrder = -1; // a ring: the point itself is drawn on it
    for (const one of [this.points, this.marks]) one.frustumCulled = false;
    this.scene.add(this.points, this.marks);
    this.look.home();
    this.resize();
  }

  /** colours: one for each point; visible: whether each is shown. */
  paint(colours, visible, mark) {
    const values = this.points.geometry.getAttribute("color");
    const known = new Map();
    colours.forEach((name, at) => {
      if (!known.has(name)) known.set(name, new Color(name));
      known.get(name).toArray(values.array, at * 3);
    });
    values.needsUpdate = true;
    this.shown = visible.flatMap((on, at) => (on ? [at] : []));
    this.points.geometry.setIndex(this.shown);
    this.marks.material.color = new Color(mark);
    this.draw();
  }

  /** Makes these points stand out. */
  mark(places) {
    if (!this.marks) return;
    this.marks.geometry.setIndex([...places]);
    this.draw();
  }

  draw() {
    if (this.wanted) return;
    this.wanted = true;
    requestAnimationFrame((now) => {
      this.wanted = false;
      if (this.turning && this.look.turn) {
        this.look.turn(TURN_S * Math.min(0.1, (now - (this.last ?? now)) / 1000));
        this.last = now;
        this.draw();
      }
      this.renderer.render(this.scene, this.look.camera);
    });
  }

  turn(on) {
    Object.assign(this, { turning: on, last: undefined });
    this.draw();
  }

  /** Where the points that are shown lie on the canvas: [place, x, y, distance]. */
  *onScreen() {
    const at = new Vector3();
    for (const place of this.shown) {
      at.fromArray(this.places, place * 3).project(this.look.camera);
      if (at.z < 1) yield [place, ((at.x + 1) / 2) * this.width, ((1 - at.y) / 2) * this.height, at.z];
    }
  }

  /** The point at this place of the canvas, or null. */
  near(x, y) {
    let [best, least] = [null, NEAR_PX ** 2];
    if (!this.points) return best;
    for (const [place, px, py] of this.onScreen()) {
      const far = (px - x) ** 2 + (py - y) ** 2;
      if (far < least) [best, least] = [place, far];
    }
    return best;
  }

  /** The points that are shown and lie within a polygon on the canvas. */
  within(polygon) {
    return [...this.onScreen()].filter(([, x, y]) => within(polygon, x, y)).map(([place]) => place);
  }
}
