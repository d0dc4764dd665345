// Two ways to look at a map: from above, moved and zoomed; and around it, turned.

import { OrthographicCamera, PerspectiveCamera } from "../../vendor/three/three.module.min.js";

const EDGE = 1.06; // a map reaches from -1 to 1
const STEP = 0.12; // of the view, for an arrow key
const CLOSEST = 60;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export class Flat {
  constructor() {
    this.camera = new OrthographicCamera(-1, 1, 1, -1, 0, 10);
    this.camera.position.z = 5;
    [this.width, this.height] = [1, 1];
    this.home();
  }

  home() {
    Object.assign(this.camera, { zoom: 1 });
    this.camera.position.set(0, 0, 5);
    this.resize(this.width, this.height);
  }

  resize(width, height) {
    Object.assign(this, { width, height });
    const [x, y] = [EDGE * Math.max(1, width / height), EDGE * Math.max(1, height / width)];
    Object.assign(this.camera, { left: -x, right: x, top: y, bottom: -y });
    this.camera.updateProjectionMatrix();
    this.camera.updateMatrixWorld();
  }

  /** By pixels of the screen. */
  drag(dx, dy) {
    const { camera } = this;
    camera.position.x = clamp(camera.position.x - (dx / this.width) * (camera.right - camera.left) / camera.zoom, -EDGE, EDGE);
    camera.position.y = clamp(camera.position.y + (dy / this.height) * (camera.top - camera.bottom) / camera.zoom, -EDGE, EDGE);
    camera.updateMatrixWorld();
  }

  /** x and y, -1 to 1 of the view, stay where they are. */
  zoom(factor, x = 0, y = 0) {
    const { camera } = this;
    const before = camera.zoom;
    camera.zoom = clamp(before * factor, 1, CLOSEST);
    const gained = 1 / before - 1 / camera.zoom;
    camera.position.x = clamp(camera.position.x + x * camera.right * gained, -EDGE, EDGE);
    camera.position.y = clamp(camera.position.y + y * camera.top * gained, -EDGE, EDGE);
    camera.updateProjectionMatrix();
    camera.updateMatrixWorld();
  }

  arrow(x, y) {
    this.drag(-x * STEP * this.width, y * STEP * this.height);
  }
}

export class Space {
  constructor() {
    this.camera = new PerspectiveCamera(40, 1, 0.05, 20);
    this.home();
  }

  home() {
    Object.assign(this, { around: 0.7, above: 0.35, away: 3.6 });
    this.aim();
  }

  aim() {
    const { around, above, away, camera } = this;
    camera.position.set(away * Math.sin(around) * Math.cos(above), away * Math.sin(above), away * Math.cos(around) * Math.cos(above));
    camera.lookAt(0, 0, 0);
    camera.updateMatrixWorld();
  }

  resize(width, height) {
    Object.assign(this, { width, height });
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.aim();
  }

  turn(around, above = 0) {
    this.around += around;
    this.above = clamp(this.above + above, -1.5, 1.5);
    this.aim();
  }

  drag(dx, dy) {
    this.turn((-dx / this.height) * 3, (dy / this.height) * 3);
  }

  zoom(factor) {
    this.away = clamp(this.away / factor, 0.3, 8);
    this.aim();
  }

  arrow(x, y) {
    this.turn(x * STEP, y * STEP);
  }
}
