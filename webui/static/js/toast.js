// Short messages at the bottom right; they wait while the pointer is on them.

import { byId, h, icon } from "./dom.js";

/** action: { label, run }. Returns a function that closes the toast. */
export function toast(text, { action, bad = false, stay = false } = {}) {
  const box = h("div", { class: bad ? "toast bad" : "toast" }, h("span", {}, text));
  const close = () => box.remove();
  if (action) box.append(h("button", { type: "button", onclick: () => { close(); action.run(); } }, action.label));
  if (stay) box.append(h("button", { type: "button", "aria-label": "Close", onclick: close }, icon("close")));
  byId("toasts").append(box);
  while (byId("toasts").children.length > 4) byId("toasts").firstElementChild.remove();
  if (!stay) {
    let timer = setTimeout(close, bad ? 9000 : 6500);
    box.addEventListener("pointerenter", () => clearTimeout(timer));
    box.addEventListener("pointerleave", () => { timer = setTimeout(close, 2500); });
  }
  return close;
}
