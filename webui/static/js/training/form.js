// The form that starts a training: name, preset, and the folders whose photos are learnt from.

import { api } from "../api.js";
import { byId, h } from "../dom.js";
import { plural } from "../format.js";

async function fill() {
  const [{ presets, workers }, { sources }] = await Promise.all([api("/training?limit=1"), api("/sources")]);
  const about = (preset) => presets.find((one) => one.name === preset)?.about ?? "";
  const select = byId("train-preset");
  select.replaceChildren(...presets.map((preset) => h("option", { value: preset.name }, preset.name)));
  const tell = () => { byId("train-about").textContent = about(select.value); };
  select.onchange = tell;
  tell();
  byId("train-sources").replaceChildren(...sources.map((source) => h("label", { class: "option" },
    h("input", { type: "checkbox", name: "source", value: String(source.id), checked: true }), source.name, h("span", { class: "dim" }, plural(source.images, "photo")))));
  byId("train-nothing").hidden = sources.length > 0;
  byId("train-idle").hidden = workers > 0;
  byId("train").querySelector('button[type="submit"]').disabled = !workers;
}

/** The form opens by its button; after the start, the jobs page shows the run. */
export function trainForm() {
  const form = byId("train");
  const opener = byId("train-open");
  const problem = byId("train-error");
  const fail = (error) => {
    problem.textContent = error.message;
    problem.hidden = false;
  };
  opener.addEventListener("click", async () => {
    form.hidden = !form.hidden;
    opener.setAttribute("aria-expanded", String(!form.hidden));
    problem.hidden = true;
    if (form.hidden) return;
    byId("train-name").focus();
    await fill().catch(fail);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    const button = form.querySelector('button[type="submit"]');
    button.disabled = true;
    const number = (id) => (byId(id).value === "" ? null : Number(byId(id).value));
    try {
      const sources = [...form.querySelectorAll('[name="source"]:checked')].map((box) => Number(box.value));
      if (!sources.length) throw new Error("Choose at least one folder whose photos it learns from.");
      await api("/training", { method: "POST", json: { name: byId("train-name").value.trim(), preset: byId("train-preset").value, sources, epochs: number("train-epochs"), ranks: number("train-ranks") ?? 1 } });
      location.assign("/jobs");
    } catch (error) {
      fail(error);
      button.disabled = false;
    }
  });
}
