// Builds elements without HTML strings: text goes through textContent, so nothing that a person wrote becomes markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** h("button", { class: "small", onclick: f, "aria-label": "Close" }, "text", node, null) */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "vars") for (const [key, v] of Object.entries(value)) element.style.setProperty(`--${key}`, v);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

let clearing = 0;

/** Says a sentence to a screen reader without showing it. */
export function announce(text) {
  const live = byId("live");
  live.textContent = text;
  clearTimeout(clearing);
  clearing = setTimeout(() => { live.textContent = ""; }, 4000);
}

/** The function returned has cancel(), which drops a call that still waits. */
export function debounce(wait, call) {
  let timer = 0;
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...args), wait);
  };
  return Object.assign(later, { cancel: () => clearTimeout(timer) });
}

/** Calls `poll` again and again: it returns the milliseconds to wait. Never while the page is hidden. */
export function repeat(poll) {
  let timer = 0;
  const turn = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    timer = setTimeout(turn, await poll());
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) turn(); });
  turn();
  return turn;
}
