// The map page: one encoder's map or two side by side, in two dimensions or three, and what was chosen on them.

import { api } from "../api.js";
import { byId, h } from "../dom.js";
import { listen } from "../search/keys.js";
import { hideMessage, showError, showMessage } from "../search/message.js";
import { toast } from "../toast.js";
import { Chosen } from "./chosen.js";
import { choices } from "./colours.js";
import { drawLegend } from "./legend.js";
import { Panel } from "./panel.js";
import { readState, writeState } from "./state.js";

let state = readState(location.search);
let encoders = [];
let panels = [];
let opened = []; // images that are looked at below

const chosen = new Chosen({
  closed: () => { opened = []; for (const panel of panels) panel.mark([]); },
  decided: () => refreshLabels(),
});

const page = {
  missing: byId("main").dataset.missing,
  lassoing: () => byId("lasso").getAttribute("aria-pressed") === "true",
  hovered: (image) => { for (const panel of shown()) panel.mark(image === null ? opened : [...opened, image]); },
  open(images, panel) {
    if (!images.length) { toast("There is no photo within that line."); return; }
    opened = images;
    for (const one of shown()) one.mark(images);
    chosen.open(panel.map, images);
  },
  drawn: () => paint(),
};

const shown = () => panels.slice(0, state.beside ? 2 : 1);
const select = (id, options, value) => {
  byId(id).replaceChildren(...options.map(([name, text]) => h("option", { value: name }, text)));
  byId(id).value = value;
};

/** Changes part of the state; `load` where other maps are wanted. */
function go(part, { load = true } = {}) {
  state = { ...state, ...part };
  history.pushState(null, "", writeState(state));
  if (load) show(); else paint();
}

function paint() {
  const [first] = panels;
  const labels = [...new Map(shown().flatMap((panel) => panel.points?.labels ?? []).map((label) => [label.name, label])).values()];
  const known = choices(labels);
  // A label of the address may have been renamed since.
  const only = known.some(([name]) => name === state.show) ? state.show : "";
  if (labels.length) select("show", known, only);
  const entries = shown().map((panel) => panel.paint(state.by, labels.length ? only : ""));
  const at = entries.findIndex((one) => one.length);
  drawLegend(byId("legend"), at < 0 ? [] : entries[at], { open: (name) => page.open((panels[at] ?? first).imagesOf(name), panels[at] ?? first) });
  byId("side").hidden = at < 0;
}

async function show() {
  const serving = encoders.find((one) => one.serving) ?? encoders[0];
  const first = encoders.find((one) => one.id === state.encoder) ?? serving;
  const second = encoders.find((one) => one.id === state.beside && one.id !== first.id);
  if (!second) state.beside = null;
  const named = encoders.map((one) => [one.id, one.name]);
  select("encoder", named, first.id);
  select("beside", [["", "nothing"], ...named.filter(([id]) => id !== first.id)], second?.id ?? "");
  byId("beside-label").hidden = encoders.length < 2;
  for (const each of document.querySelectorAll("[data-dimensions]")) each.setAttribute("aria-pressed", String(Number(each.dataset.dimensions) === state.dimensions));
  byId("turn").hidden = state.dimensions === 2;
  byId("by").value = state.by;
  byId("maps").dataset.sides = second ? 2 : 1;
  byId("panel-2").hidden = !second;
  chosen.close();
  try {
    const { maps } = await api("/maps");
    await Promise.all([panels[0].use(first, state.dimensions, maps), second && panels[1].use(second, state.dimensions, maps)]);
    hideMessage();
  } catch (error) {
    showError(error, [{ label: "Try again", primary: true, run: show }], "The maps cannot be read");
  }
  paint();
}

async function refreshLabels() {
  try {
    chosen.offer((await api("/labels")).labels);
  } catch (error) {
    if (error.status !== 0) toast(error.message, { bad: true });
  }
}

async function begin() {
  try {
    ({ encoders } = await api("/encoders"));
  } catch (error) {
    showError(error, [{ label: "Try again", primary: true, run: begin }], "The encoders cannot be read");
    return;
  }
  if (!encoders.length) {
    showMessage("No encoder yet", "A map needs an encoder and photos: start everything with `ruiji up FOLDER`.");
    return;
  }
  try {
    panels = ["panel-1", "panel-2"].map((id) => new Panel(byId(id), page));
  } catch (error) {
    showMessage("This browser cannot draw the map", `It needs WebGL, which is switched off or missing here (${error.message}). \`ruiji map map.html\` writes one that does without.`);
    return;
  }
  byId("maps").hidden = false;
  await Promise.all([show(), refreshLabels()]);
}

for (const each of document.querySelectorAll("[data-dimensions]")) each.addEventListener("click", () => go({ dimensions: Number(each.dataset.dimensions) }));
byId("encoder").addEventListener("change", (event) => go({ encoder: event.target.value }));
byId("beside").addEventListener("change", (event) => go({ beside: event.target.value || null }));
byId("by").addEventListener("change", (event) => go({ by: event.target.value }, { load: false }));
byId("show").addEventListener("change", (event) => go({ show: event.target.value }, { load: false }));
for (const [id, run] of [["lasso", () => {}], ["turn", (on) => { for (const panel of panels) panel.plot.turn(on); }]]) {
  byId(id).addEventListener("click", () => {
    const on = byId(id).getAttribute("aria-pressed") !== "true";
    byId(id).setAttribute("aria-pressed", String(on));
    run(on);
  });
}
byId("home").addEventListener("click", () => { for (const panel of shown()) { panel.plot.look.home(); panel.plot.draw(); } });
addEventListener("popstate", () => { state = readState(location.search); show(); });
new MutationObserver(paint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
byId("help-button").hidden = false;
byId("help-button").addEventListener("click", () => byId("help").showModal());
listen(chosen.act, { label: "decide", confirm: "decide", undo: "undo", hunt: "begin_hunt" });
begin();
