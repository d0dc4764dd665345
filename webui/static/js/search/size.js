// The size of the tiles, which this browser remembers.

import { byId } from "../dom.js";

const size = byId("tile-size");
const setTile = (px) => {
  document.documentElement.style.setProperty("--tile", `${px}px`);
  byId("grid").classList.toggle("compact", px < 132);
};
size.value = Number(localStorage.getItem("ruiji.tile")) || 160;
setTile(size.value);
size.addEventListener("input", () => { setTile(size.value); localStorage.setItem("ruiji.tile", size.value); });
