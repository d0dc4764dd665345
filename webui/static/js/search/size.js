// The size of the tiles, which this browser remembers.

import { byId } from "../dom.js";

const size = byId("tile-size");
const listeners = [];

/** Calls back whenever the tiles have got another size. */
export const onSize = (listener) => listeners.push(listener);

const setTile = (px) => {
  for (const grid of document.querySelectorAll(".grid")) grid.style.setProperty("--tile", `${px}px`);
  document.documentElement.classList.toggle("compact", px < 132);
  for (const listener of listeners) listener();
};
size.value = Number(localStorage.getItem("ruiji.tile")) || 160;
setTile(size.value);
size.addEventListener("input", () => { setTile(size.value); localStorage.setItem("ruiji.tile", size.value); });
