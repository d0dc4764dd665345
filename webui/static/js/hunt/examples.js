// The tray of a hunt: its examples as chips, for and against; adding, switching and taking out go to the server at once.

import { api } from "../api.js";
import { byId } from "../dom.js";
import { count } from "../format.js";
import { nameOfUpload } from "../search/names.js";
import { toast } from "../toast.js";
import { makeChip } from "./chip.js";
import { handOver } from "./hand.js";

const nameOf = (example) => (example.kind === "image" ? `Image ${count(example.image_id)}` : nameOfUpload(example.upload));

async function copyOf(example) {
  const address = new URL(example.thumbnail, location.href);
  address.searchParams.set("side", "1600");
  const answer = await fetch(address);
  if (!answer.ok) throw new Error("the picture cannot be read now.");
  return new File([await answer.blob()], nameOf(example));
}

export class Examples {
  /** changed(hunt): the examples are others now; the next step will be too. */
  constructor(huntId, { changed }) {
    Object.assign(this, { path: `/hunts/${huntId}/examples`, changed, list: [], adding: [] });
  }

  show(examples) {
    this.list = examples;
    byId("tray").hidden = false;
    this.draw();
  }

  draw() {
    const held = document.activeElement?.closest?.("#chips .chip");
    const at = held ? [...byId("chips").children].indexOf(held) : -1;
    const kind = document.activeElement?.className;
    byId("chips").replaceChildren(
      ...this.list.map((example) => makeChip({
        name: example.there ? nameOf(example) : `${nameOf(example)}, deleted since`, address: example.thumbnail, sign: example.sign,
        flip: () => this.flip(example), remove: () => this.remove(example), needs: ["add_example", "remove_example"],
      })),
      ...this.adding.map((one) => makeChip({ name: one.name, address: one.address, sign: one.sign, busy: true, remove: () => one.stop.abort() })));
    // The chip that had the focus was made anew, or is gone: its neighbour takes the focus.
    const chip = at < 0 ? null : byId("chips").children[Math.min(at, byId("chips").children.length - 1)];
    if (at >= 0) (chip?.querySelector(`.${kind}`) ?? byId("choose")).focus();
  }

  addFile(file, sign) {
    const address = URL.createObjectURL(file);
    return this.add({ name: file.name || "Pasted picture", address, sign, picture: (signal) => handOver(file, signal) }).finally(() => URL.revokeObjectURL(address));
  }

  addImage(imageId, sign, address = null) {
    return this.add({ name: `Image ${count(imageId)}`, address, sign, picture: async () => ({ image_id: imageId }) });
  }

  async add({ name, address, sign, picture }) {
    const stop = new AbortController();
    const coming = { name, address, sign, stop };
    this.adding.push(coming);
    this.draw();
    let hunt = null;
    try {
      const json = { ...(await picture(stop.signal)), sign };
      hunt = await api(this.path, { method: "POST", json, signal: stop.signal });
    } catch (error) {
      if (!stop.signal.aborted) toast(`${name} was not added: ${error.message}`, { bad: true });
    }
    this.adding = this.adding.filter((one) => one !== coming);
    if (hunt) this.answer(hunt); else this.draw();
  }

  answer(hunt) {
    this.show(hunt.examples);
    this.changed(hunt);
  }

  async remove(example) {
    try {
      this.answer(await api(`${this.path}/${example.id}`, { method: "DELETE" }));
    } catch (error) {
      toast(`Not removed: ${error.message}`, { bad: true });
    }
  }

  /** What is added again changes its sign. Of an uploaded picture the server's copy is added, and the old one goes. */
  async flip(example) {
    const sign = -example.sign;
    try {
      const uploaded = example.kind === "upload";
      const json = { ...(uploaded ? await handOver(await copyOf(example)) : { image_id: example.image_id }), sign };
      const hunt = await api(this.path, { method: "POST", json });
      const old = uploaded && hunt.examples.some((one) => one.id === example.id && one.sign === example.sign);
      this.answer(old ? await api(`${this.path}/${example.id}`, { method: "DELETE" }) : hunt);
    } catch (error) {
      toast(`Not switched: ${error.message}`, { bad: true });
    }
  }
}
