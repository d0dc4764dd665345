// The full view: a large re-encoded picture with its path, size and labels; arrows step through the results.

import { api } from "../api.js";
import { byId, h } from "../dom.js";
import { bytes, count, fileName, inkOn } from "../format.js";
import { carried, scoreIs, told } from "./tile.js";

export class View {
  constructor() {
    this.have = null;
    this.index = 0;
    this.dialog = byId("view");
    byId("view-close").addEventListener("click", () => this.dialog.close());
    byId("view-previous").addEventListener("click", () => this.step(-1));
    byId("view-next").addEventListener("click", () => this.step(1));
    byId("view-search").addEventListener("click", () => { this.dialog.close(); this.have.search(this.index); });
    byId("view-toggle").addEventListener("click", () => { this.have.toggle(this.index); this.mark(); });
    byId("view-image").addEventListener("error", () => { byId("view-failed").hidden = false; });
    this.dialog.addEventListener("close", () => this.have.closed(this.index));
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
    this.dialog.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) { event.preventDefault(); this.step(step); }
    });
  }

  /** have: of(index) -> result or undefined; total(); search(index); toggle(index); selected(index); closed(index) */
  open(index, have) {
    if (!have.of(index)) return;
    Object.assign(this, { have, index });
    this.fill();
    if (!this.dialog.open) this.dialog.showModal();
    byId("view-close").focus();
  }

  step(by) {
    if (this.index + by < 0 || this.index + by >= this.have.total()) return;
    this.index += by;
    this.fill();
  }

  mark() {
    byId("view-toggle").textContent = this.have.selected(this.index) ? "Take out" : "Select";
  }

  fill() {
    const result = this.have.of(this.index);
    const image = byId("view-image");
    byId("view-failed").hidden = true;
    image.src = result.thumbnail.replace("/thumbnail/", "/view/");
    // A small photo is enlarged, but not so far that only blur is left.
    image.style.setProperty("--largest", `${Math.max(560, 4 * Math.max(result.width, result.height))}px`);
    image.alt = fileName(result.path);
    byId("view-name").textContent = fileName(result.path);
    byId("view-position").textContent = `${count(this.index + 1)} of ${count(this.have.total())}`;
    byId("view-previous").disabled = this.index === 0;
    byId("view-next").disabled = this.index >= this.have.total() - 1;
    const labels = carried(result).map((label) => h("span", { class: "tag", vars: { c: label.colour, ink: inkOn(label.colour) } }, label.name));
    if (!told(result).length && result.suggestion) labels.push(h("span", { class: "tag suggested", title: "suggested by labelled neighbours", vars: { c: result.suggestion.colour } }, `${result.suggestion.name}?`));
    byId("view-labels").replaceChildren(...(labels.length ? labels : [h("span", { class: "dim" }, "No label")]));
    this.mark();
    this.facts(result, null);
    api(`/images/${result.image_id}`).then((image) => { if (this.have.of(this.index) === result) this.facts(result, image); }, () => {});
  }

  facts(result, image) {
    const paths = image?.places?.length ? image.places.map((place) => place.path) : [result.path];
    const size = `${count(result.width)} × ${count(result.height)} px${image ? ` · ${bytes(image.bytes)} · ${image.format.toUpperCase()}` : ""}`;
    const rows = [[paths.length > 1 ? "Paths" : "Path", ...paths], ["Source", result.source], ["Original size", size]];
    if (scoreIs(result)) rows.push(["Score", `${result.score.toFixed(4)}, the ${scoreIs(result)}`]);
    if (result.copies) rows.push(["Near-identical", ...result.copies.map((copy) => copy.path)]);
    byId("view-facts").replaceChildren(...rows.map(([term, ...values]) => h("div", {}, h("dt", {}, term), ...values.map((value) => h("dd", {}, value)))));
  }
}
