// The page before the first search: pictures to try, how much there is to search, a folder to add.

import { api } from "../api.js";
import { byId, h } from "../dom.js";
import { addFolderForm } from "../folders.js";
import { count, plural } from "../format.js";
import { comingIn, onStatus } from "../header.js";
import { toast } from "../toast.js";

let asked = false;

export function prepareEmpty({ sample }) {
  addFolderForm(() => toast("Reading the folder. Its pictures can be searched as they arrive.", { action: { label: "Watch", run: () => { location.href = "/jobs"; } } }));
  onStatus(({ counts, jobs }) => {
    const { images } = counts;
    byId("empty-count").textContent = images ? plural(images, "photo") : "all your photos";
    const job = jobs.find(comingIn);
    byId("empty-coming").hidden = !job;
    if (job) byId("empty-coming").textContent = `More photos are coming in from ${job.source ?? "all sources"}${job.total ? `: ${count(job.done)} of ${count(job.total)} files are done` : ""}. What is there can be searched already.`;
  });
  return async () => {
    byId("empty").hidden = false;
    if (asked) return;
    asked = true;
    try {
      const { samples } = await api("/samples");
      byId("samples").hidden = !samples.length;
      byId("sample-list").replaceChildren(...samples.slice(0, 20).map((one, n) => h("li", {},
        h("button", { type: "button", class: "sample", "data-name": one.name, "aria-label": `Search by example ${count(n + 1)}: ${one.name}`, title: one.name, onclick: () => sample(one) },
          h("img", { src: one.url, alt: "" })))));
    } catch {
      asked = false; // the pictures to try are an extra: without them the page still works
    }
  };
}

export const sampleAddress = async (name) => {
  const { samples } = await api("/samples");
  return samples.find((one) => one.name === name)?.url ?? null;
};
