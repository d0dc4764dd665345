// The header: theme switch, running ingest or training, serving encoder with its kNN accuracy.

import { api } from "./api.js";
import { byId, h, repeat } from "./dom.js";
import { count, percent } from "./format.js";
import { figure } from "./metrics.js";

/** Whether a job brings photos now. */
export const comingIn = (job) => ["scanning", "running"].includes(job.state);

byId("theme-toggle").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "light" ? "dark" : "light";
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("ruiji.theme", theme);
  } catch {
    // Without storage the choice lasts until the page is left.
  }
});

function showRun(run) {
  const share = run.epochs ? (100 * run.done) / run.epochs : 0;
  byId("running").replaceChildren(
    h("i", { class: "pie", vars: { share: share.toFixed(1) } }),
    h("span", { class: "cut-text" }, `Training ${run.name} · ${run.epochs ? `epoch ${count(run.done)} of ${count(run.epochs)}` : "reading photos"}`),
  );
}

function showJob(job, run) {
  const place = byId("running");
  place.hidden = !job && !run;
  if (!job && run) showRun(run);
  if (!job) return;
  const seen = job.done ?? 0;
  const share = job.total ? Math.min(100, (100 * seen) / job.total) : 0;
  const amount = job.state === "scanning" && !job.total ? `${count(job.scanned)} files found` : `${Math.floor(share)} %`;
  place.replaceChildren(
    h("i", { class: "pie", vars: { share: share.toFixed(1) } }),
    h("span", { class: "said" },
      h("span", { class: "cut-text" }, `Ingest ${job.source ?? "all images"} · ${amount}`),
      job.images_per_s ? h("span", { class: "rate" }, `· ${count(job.images_per_s)}/s`) : null),
  );
}

function showEncoder(encoder) {
  const place = byId("serving");
  place.hidden = !encoder;
  if (!encoder) return;
  const accuracy = figure(encoder.metrics, /^knn/i);
  place.title = `Encoder in use: ${encoder.name}, ${encoder.dimension} dimensions`;
  place.replaceChildren(h("span", { class: "cut-text" }, encoder.name), accuracy === null ? "" : h("small", {}, `kNN ${percent(accuracy)}`));
}

let latest = null;
const listeners = [];

/** Calls back with the server's status now, if it is known, and whenever it was asked for again. */
export function onStatus(listener) {
  listeners.push(listener);
  if (latest) listener(latest);
}

// Nobody has signed in: there is nothing to tell.
if (byId("running")) repeat(async () => {
  try {
    latest = await api("/status");
    const running = latest.jobs.find(comingIn);
    const training = latest.runs.find((run) => run.state === "running" && run.members > 0);
    showJob(running, training);
    showEncoder(latest.encoder);
    for (const listener of listeners) listener(latest);
    return running || training ? 2000 : 10000;
  } catch {
    return 10000; // the page's own request tells what is wrong
  }
});
