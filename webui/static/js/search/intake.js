// How a picture comes in: dropped anywhere on the page, pasted, chosen as a file, or a tile dragged to the tray.

import { byId } from "../dom.js";
import { NOT_YOURS, may } from "../may.js";
import { toast } from "../toast.js";

const TILE = "application/x-ruiji-image";
const carries = (event, kind) => [...(event.dataTransfer?.types ?? [])].includes(kind);
const picture = (files) => [...files].find((file) => file.type.startsWith("image/")) ?? files[0];

/**
 * file(File, { minus }) and image(id, { minus }) are called with what came in; minus: Alt was held, or the button said so.
 * several: each picture of a handful is taken, not the first alone. needs: what they are for, if that may be refused: a
 * sentence says so. Buttons that open the file chooser carry data-choose.
 */
export function takePictures({ file, image, several = false, needs = null }) {
  const refuse = () => { if (!needs || may(needs)) return false; toast(NOT_YOURS); return true; };
  const take = (files, how) => { if (refuse()) return; for (const one of several ? files : [picture(files)]) file(one, how); };
  const overlay = byId("overlay");
  let depth = 0; // dragenter and dragleave come in pairs for every element under the pointer
  const show = (on) => { overlay.hidden = !on; if (!on) depth = 0; };

  addEventListener("dragenter", (event) => {
    if (!carries(event, "Files") && !carries(event, TILE)) return;
    event.preventDefault();
    depth += 1;
    if (carries(event, "Files")) show(true);
  });
  addEventListener("dragover", (event) => {
    const tile = carries(event, TILE);
    if (tile && !event.target.closest?.("#tray")) return;
    if (tile || carries(event, "Files")) {
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    }
  });
  addEventListener("dragleave", () => { depth -= 1; if (depth <= 0) show(false); });
  addEventListener("drop", (event) => {
    const tile = carries(event, TILE);
    show(false);
    if (tile) {
      if (event.target.closest?.("#tray")) { event.preventDefault(); if (!refuse()) image(Number(event.dataTransfer.getData(TILE)), { minus: event.altKey }); }
    } else if (carries(event, "Files")) {
      event.preventDefault();
      if (event.dataTransfer.files.length) take([...event.dataTransfer.files], { minus: event.altKey });
    }
  });

  addEventListener("paste", (event) => {
    const files = event.clipboardData?.files ?? [];
    if (!files.length || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    take([...files], { minus: false });
  });

  const chooser = byId("file");
  let minus = false;
  for (const button of document.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", (event) => { minus = event.altKey || button.dataset.choose === "minus"; chooser.click(); });
  }
  chooser.addEventListener("change", () => {
    if (chooser.files.length) take([...chooser.files], { minus });
    chooser.value = ""; // the same file may be chosen again
  });
}
