// The keyboard of the pages with a grid. Nothing fires while a person types or while a dialog is open.

import { may } from "../may.js";

const PICKING = { checkbox: [" "], radio: [" "], range: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"] };

/** Whether the key belongs to the element that has the focus. */
export function taken(event) {
  const at = event.target instanceof Element ? event.target : document.body;
  if (event.isComposing || document.querySelector("dialog[open]")) return true;
  if (at.matches("input")) return event.key === "Enter" || (PICKING[at.type]?.includes(event.key) ?? !(at.type in PICKING));
  if (at.closest("textarea, select, [contenteditable]")) return true;
  return Boolean(at.closest("button, a[href], summary")) && (event.key === "Enter" || event.key === " ");
}

/**
 * acts: an object of functions named as below; a page leaves out what it does not do. needs: what some of them ask of the
 * server, by name: where it would be refused, there is no button for it either, and the key does nothing.
 */
export function listen(acts, needs) {
  const act = Object.fromEntries(Object.entries(acts).filter(([name]) => may(...[needs[name] ?? []].flat())));
  const plain = {
    " ": act.toggle, x: act.toggle, i: act.invert, s: act.search, f: act.view, l: act.label, "?": act.help,
    u: act.unfold, Enter: act.confirm, Escape: act.clear, z: act.undo, h: act.hunt, n: act.refuse, a: act.above,
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || taken(event)) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    let run = null;
    if (command && !event.altKey && !event.shiftKey) run = { a: act.all, z: act.undo }[key];
    else if (!command && !event.altKey && key.startsWith("Arrow")) run = () => act.move(event.key, event.shiftKey);
    else if (act.pick && !command && !event.altKey && /^[1-9]$/.test(key)) run = () => act.pick(Number(key) - 1);
    else if (!command && !event.altKey && (!event.shiftKey || key === "?")) run = plain[key];
    // A key held down, or still down from the field before, decides nothing a second time; it only walks.
    const held = event.repeat && !key.startsWith("Arrow");
    if (!run || (!held && run() === false)) return;
    event.preventDefault();
  });
}
