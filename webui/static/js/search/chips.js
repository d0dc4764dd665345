// The query tray: one chip for each picture that is searched by.

import { byId, h, icon } from "../dom.js";
import { count, fileName } from "../format.js";
import { INSTALLATION } from "../installation.js";
import { sampleAddress } from "./empty.js";
import { nameOfUpload } from "./names.js";

export class Chips {
  constructor({ remove }) {
    this.remove = remove;
    this.shown = 0; // an answer for a chip that is gone is dropped
    this.name = "";
  }

  /** The picture of the query: from the file, from what the caller has at hand, or from what this tab has kept. */
  async show(state, { file = null, picture = null } = {}) {
    const turn = (this.shown += 1);
    byId("tray-side").replaceChildren();
    if (!state) { byId("chips").replaceChildren(); return; }
    this.name = file?.name || (file ? "Pasted picture" : state.sample ?? (state.image ? `Image ${count(state.image)}` : nameOfUpload(state.upload)));
    if (this.local) URL.revokeObjectURL(this.local);
    this.local = file && URL.createObjectURL(file);
    let address = this.local ?? picture;
    this.draw(address);
    if (address) return;
    if (state.image) address = `/thumbnail/${state.image}?v=${INSTALLATION}`;
    else if (state.upload) address = `/view/upload/${state.upload}?side=320&v=${INSTALLATION}`;
    else if (state.sample) address = await sampleAddress(state.sample).catch(() => null);
    if (turn === this.shown) this.draw(address);
  }

  draw(address) {
    const image = address && h("img", { src: address, alt: "" });
    image?.addEventListener("error", () => image.replaceWith(icon("picture")));
    byId("chips").replaceChildren(h("div", { class: "chip", role: "listitem", title: this.name },
      image || icon("picture"),
      h("button", { type: "button", "aria-label": `Remove ${this.name} from the query`, onclick: this.remove }, icon("close"))));
  }

  /** With the answer the size is known, and an own copy among the results lends its picture and its name. */
  describe(found, results) {
    const own = results.find((result) => result.own_copy);
    if (own && !byId("chips").querySelector("img")) this.draw(own.thumbnail);
    const name = own && found.query.image_id ? fileName(own.path) : this.name;
    byId("tray-side").replaceChildren(h("strong", { class: "cut-text" }, name), h("span", {}, `${count(found.query.width)} × ${count(found.query.height)} px${own ? " · already indexed" : ""}`));
  }
}
