// The add-a-folder form: a path or the browser of allowed folders, then one ingest job.

import { api } from "./api.js";
import { byId, h, icon } from "./dom.js";
import { count } from "./format.js";

const pictures = (folder) => `${count(folder.pictures)}${folder.more ? "+" : ""} ${folder.pictures === 1 ? "picture" : "pictures"}`;

function unfold(on) {
  byId("folder-browser").hidden = !on;
  byId("browse").setAttribute("aria-expanded", String(on));
}

async function browse(path) {
  const box = byId("folder-browser");
  unfold(true);
  try {
    const at = await api(`/folders${path ? `?path=${encodeURIComponent(path)}` : ""}`);
    const entry = (folder) => h("li", {}, h("button", { type: "button", disabled: folder.path === null, onclick: () => browse(folder.path) },
      icon("folder"), h("span", { class: "cut-text" }, at.path ? folder.name : folder.path), h("span", { class: "grow" }),
      folder.pictures ? h("span", { class: "dim" }, pictures(folder)) : null));
    if (at.path) byId("folder-path").value = at.path;
    box.replaceChildren(
      h("div", { class: "where" },
        h("span", { class: "cut-text" }, at.path ? `${at.path}${at.pictures ? ` · ${pictures(at)}` : ""}` : "Folders that Ruiji may read"),
        h("span", { class: "grow" }),
        at.path ? h("button", { type: "button", class: "quiet small", onclick: () => browse(at.parent ?? "") }, icon("up"), "Up") : null),
      at.folders.length ? h("ul", {}, ...at.folders.map(entry)) : h("p", {}, "No folders inside."),
    );
    box.querySelector("li button")?.focus();
  } catch (error) {
    box.replaceChildren(h("p", {}, error.message));
  }
}

/** added(job): called with the new job's answer. */
export function addFolderForm(added) {
  const form = byId("add-folder");
  const problem = byId("folder-error");
  byId("browse").addEventListener("click", () => {
    if (byId("folder-browser").hidden) browse(byId("folder-path").value.trim());
    else unfold(false);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    const button = form.querySelector('button[type="submit"]');
    button.disabled = true;
    try {
      const answer = await api("/sources", {
        method: "POST",
        json: { path: form.elements.path.value.trim(), labels_from_folders: form.elements.labels_from_folders.checked },
      });
      form.reset();
      unfold(false);
      added(answer);
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
