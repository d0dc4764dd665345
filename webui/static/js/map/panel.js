// One encoder's map on the page: has it drawn, tells how far it is, shows it, and what lies under the pointer.

import { api } from "../api.js";
import { h } from "../dom.js";
import { count, moment, plural } from "../format.js";
import { INSTALLATION } from "../installation.js";
import { coloured, visible } from "./colours.js";
import { Hand } from "./hand.js";
import { Lasso } from "./lasso.js";
import { Plot } from "./plot.js";

const POLL_MS = 700;
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Panel {
  /** page: missing: what drawing lacks here, or nothing; lassoing(), hovered(image or null, panel), open(image ids, panel), drawn(panel): another map is shown. */
  constructor(root, page) {
    Object.assign(this, { root, page, encoder: null, dimensions: 2, map: null, points: null, by: "label", only: "", timer: 0, turn: 0 });
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.parts = Object.fromEntries(["title", "says", "meter", "draw", "hint", "preview", "lasso", "canvas"].map((name) => [name, part(name)]));
    this.plot = new Plot(this.parts.canvas);
    this.hand = new Hand(this.plot, new Lasso(this.parts.lasso), {
      lassoing: page.lassoing,
      hover: (place, x, y) => this.hover(place, x, y),
      open: (places) => page.open(places.map((place) => this.points.image_ids[place]), this),
    });
    this.parts.draw.addEventListener("click", () => this.draw());
  }

  /** Shows the map of this encoder, or offers to have it drawn; `maps` are all that there are. */
  async use(encoder, dimensions, maps) {
    clearTimeout(this.timer);
    Object.assign(this, { encoder, dimensions, map: null, turn: this.turn + 1 });
    this.clear();
    this.parts.title.textContent = encoder.name;
    const mine = maps.filter((map) => map.encoder === encoder.id && map.dimensions === dimensions);
    const map = mine.find((one) => one.ready || (!one.silent && one.state !== "failed")) ?? mine[0];
    if (map) await this.follow(map, this.turn);
    else {
      this.root.dataset.state = "none";
      this.tell(`No map in ${dimensions} dimensions yet.`, "Draw the map", { hint: "Photos that this encoder finds alike will lie together." });
    }
  }

  clear() {
    Object.assign(this, { points: null });
    this.root.dataset.state = "loading";
    this.parts.canvas.hidden = true;
    this.hover(null);
  }

  tell(says, draw, { share = null, hint = "" } = {}) {
    if (draw && this.page.missing) [draw, hint] = [null, this.page.missing];
    this.parts.says.textContent = says;
    this.parts.hint.textContent = hint;
    this.parts.meter.hidden = share === null;
    if (share !== null) this.parts.meter.value = share;
    this.parts.draw.hidden = !draw;
    this.parts.draw.textContent = draw ?? "";
  }

  async draw() {
    const mine = this.turn;
    this.parts.draw.disabled = true;
    // What the shell has drawn of some images only is drawn again of the same.
    const { labels: label = [], sources: source = [], most = 10000, ready = false } = this.map ?? {};
    const anew = ready && this.dimensions === 2 && this.parts.draw.dataset.anew === "true";
    try {
      const map = await api("/maps", { method: "POST", json: { encoder: this.encoder.id, dimensions: this.dimensions, label, source, most, anew } });
      if (mine === this.turn) await this.follow(map, mine);
    } catch (error) {
      if (mine === this.turn) this.tell(error.message, "Try again");
    }
    this.parts.draw.disabled = false;
  }

  /** Tells how far the map is until it is there; answers that come after the person has gone on change nothing. */
  async follow(map, mine) {
    clearTimeout(this.timer);
    this.map = map;
    const busy = !map.silent && (map.state === "waiting" || map.state === "drawing");
    if (busy) {
      const behind = map.state === "waiting" ? "Waiting to be drawn" : `Drawing, ${Math.round(map.share * 100)} %`;
      this.tell(behind, null, { share: map.share, hint: "You can go on: it is drawn beside everything else." });
      this.root.dataset.state = "drawing";
      this.timer = setTimeout(() => this.again(mine), POLL_MS);
      if (this.points || !map.ready) return;
    }
    if (map.ready && !this.points) await this.load(mine);
    if (busy || mine !== this.turn) return;
    if (map.silent) this.tell("The drawing stopped: its worker has gone.", "Draw the map");
    else if (map.state === "failed") this.tell("The map could not be drawn.", "Try again", { hint: map.error });
    else this.describe();
    this.root.dataset.state = map.state === "done" ? "done" : "failed";
  }

  async again(mine) {
    try {
      const map = await api(`/maps/${this.map.id}`);
      if (mine !== this.turn) return;
      if (map.state === "done") this.points = null; // another one than before
      await this.follow(map, mine);
    } catch (error) {
      if (mine !== this.turn) return;
      this.tell(error.message, null);
      this.timer = setTimeout(() => this.again(mine), 4 * POLL_MS);
    }
  }

  async load(mine) {
    const points = await api(`/maps/${this.map.id}/points`, { timeout: 60000 });
    if (mine !== this.turn) return;
    this.points = points;
    this.parts.canvas.hidden = false;
    this.plot.show(points);
    this.page.drawn(this);
  }

  describe() {
    const { images, of, placed, at, dimensions } = this.map;
    const later = placed ? `, ${count(placed)} placed later` : "";
    this.parts.draw.dataset.anew = String(placed > 0);
    const many = this.points.image_ids.length;
    const photos = of > images ? `${count(many)} of ${plural(of, "photo")}, chosen at random` : plural(many, "photo");
    this.tell(`${photos}${later} · ${moment(at)}`, dimensions === 3 || placed ? "Draw anew" : "Place new photos");
    if (images > many) this.parts.hint.textContent = `${count(images - many)} were taken out since`;
  }

  /** The legend's entries, after the points have their colours. */
  paint(by, only) {
    Object.assign(this, { by, only });
    if (!this.points) return [];
    const { named, entries } = coloured(this.points, by);
    this.named = named;
    this.plot.paint(named.map((one) => one?.colour ?? css("--field-line")), visible(this.points, only), css("--text"));
    return entries;
  }

  /** Images that are pointed at or opened, on this map too. */
  mark(imageIds) {
    if (!this.points) return;
    const wanted = new Set(imageIds);
    this.plot.mark(this.points.image_ids.flatMap((id, at) => (wanted.has(id) ? [at] : [])));
  }

  hover(place, x = 0, y = 0) {
    const { preview } = this.parts;
    const image = place === null || !this.points ? null : this.points.image_ids[place];
    if (image !== this.hovered) this.page.hovered(image, this);
    this.hovered = image;
    preview.hidden = image === null;
    this.parts.canvas.classList.toggle("at-point", image !== null);
    if (image === null) return;
    const right = x > this.plot.width / 2;
    const below = y > this.plot.height / 2;
    preview.classList.toggle("left", right);
    preview.classList.toggle("above", below);
    preview.style.setProperty("--x", `${x}px`);
    preview.style.setProperty("--y", `${y}px`);
    if (preview.dataset.image === String(image)) return;
    preview.dataset.image = image;
    const labels = this.points.of[place].map((at) => this.points.labels[at].name).join(", ");
    preview.replaceChildren(h("img", { alt: "", src: `/thumbnail/${image}?v=${INSTALLATION}` }), h("span", {}, labels || "no label"));
  }

  /** Images of one entry of the legend, as far as they are shown. */
  imagesOf(name) {
    const shown = new Set(this.plot.shown);
    return this.points.image_ids.filter((_, at) => shown.has(at) && (this.named[at]?.name ?? null) === name);
  }
}
