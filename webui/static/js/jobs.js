// The jobs page: training runs, and ingests with their progress, their bad files, and pause, resume, cancel. Asks every second
// while one is active.

import { api } from "./api.js";
import { byId, h, icon, repeat } from "./dom.js";
import { addFolderForm } from "./folders.js";
import { count, duration, moment } from "./format.js";
import { refused } from "./may.js";
import { toast } from "./toast.js";
import { followRuns } from "./training/list.js";

const PAGE = 50;
const ACTIVE = ["scanning", "running"];
const NAMES = { scanning: "Scanning", running: "Running", paused: "Paused", done: "Done", cancelled: "Cancelled", failed: "Failed" };
const cards = new Map(); // job id -> the card's parts, changed in place so that focus and open lists stay

function make(job) {
  const title = h("h2", { class: "cut-text" }, job.kind === "ingest" ? job.source ?? "A folder that is gone" : "New encoder: all images");
  const parts = {
    state: h("span", { class: "state" }), when: h("span", { class: "dim" }), buttons: h("span", { class: "buttons" }),
    meter: h("progress", { class: "meter", "aria-label": `Progress of ${title.textContent}` }), numbers: h("span", { class: "numbers" }), error: h("p", { class: "job-error", hidden: true }),
    bad: h("div", { class: "bad-files", hidden: true }),
    badButton: h("button", { type: "button", class: "outline small", "aria-expanded": "false", onclick: () => toggleBad(job.id) }, "Show"),
  };
  // The button stays where it is while the numbers before it change: taking it out for a moment would take its focus.
  parts.figures = h("p", { class: "figures" }, parts.numbers, parts.badButton);
  parts.root = h("article", { class: "job", "data-job": job.id },
    h("div", { class: "job-top" }, title, parts.state, parts.when, parts.buttons), parts.meter, parts.figures, parts.error, parts.bad);
  return parts;
}

function button(job, action, name, glyph) {
  return h("button", {
    type: "button", class: `${action === "cancel" ? "quiet small danger" : "outline small"}${refused(action)}`, "data-action": action,
    onclick: async () => {
      try {
        await api(`/jobs/${job.id}/${action}`, { method: "POST" });
      } catch (error) {
        toast(error.message, { bad: true });
      }
      refresh();
    },
  }, icon(glyph), name);
}

function buttonsFor(job) {
  const stop = button(job, "cancel", "Cancel", "close");
  if (ACTIVE.includes(job.state)) return [button(job, "pause", "Pause", "pause"), stop];
  return job.state === "paused" ? [button(job, "resume", "Resume", "play"), stop] : [];
}

function figure(name, value, kind = null) {
  return h("span", { class: kind }, h("b", {}, value), ` ${name}`);
}

function fill(parts, job) {
  const active = ACTIVE.includes(job.state);
  parts.root.className = `job is-${job.state}`;
  parts.state.textContent = NAMES[job.state];
  parts.state.className = `state ${active ? "active" : job.state}`;
  parts.when.textContent = job.finished_at ? `${moment(job.finished_at)}, took ${duration(job.finished_at - job.created_at)}` : `since ${moment(job.created_at)}`;
  if (parts.shownState !== job.state) parts.buttons.replaceChildren(...buttonsFor(job));
  parts.shownState = job.state;
  parts.meter.max = Math.max(1, job.total);
  if (job.state === "scanning" && !job.total) parts.meter.removeAttribute("value");
  else parts.meter.value = job.state === "done" ? parts.meter.max : job.done;
  parts.badButton.hidden = !job.bad;
  parts.numbers.replaceChildren(
    figure(job.state === "scanning" ? `of ${count(job.total)} files found so far` : `of ${count(job.total)} done`, count(job.done)),
    figure("new", count(job.embedded)), figure("known already", count(job.known)),
    active && job.images_per_s ? figure("images/s", count(job.images_per_s)) : "",
    active && job.seconds_left !== null ? figure("left", duration(job.seconds_left)) : "",
    job.state === "done" && !job.searchable ? figure("in the index", `${count(job.indexed)} of ${count(job.embedded)}`) : "",
    job.bad ? figure(job.bad === 1 ? "bad file" : "bad files", count(job.bad), "bad") : "",
  );
  parts.error.hidden = !job.error;
  parts.error.textContent = job.error ?? "";
}

async function toggleBad(id) {
  const { bad, badButton } = cards.get(id);
  bad.hidden = !bad.hidden;
  badButton.textContent = bad.hidden ? "Show" : "Hide";
  badButton.setAttribute("aria-expanded", String(!bad.hidden));
  if (!bad.hidden) showBad(id, 0);
}

async function showBad(id, offset) {
  const { bad } = cards.get(id);
  try {
    const found = (await api(`/jobs/${id}/bad?limit=${PAGE + 1}&offset=${offset}`)).bad;
    const rows = found.slice(0, PAGE).map((file) => h("tr", {}, h("td", { class: "mono" }, file.path), h("td", {}, file.reason)));
    const turn = (name, to, can) => h("button", { type: "button", class: "outline small", disabled: !can, onclick: () => showBad(id, to) }, name);
    bad.replaceChildren(
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "File"), h("th", { scope: "col" }, "Reason"))), h("tbody", {}, ...rows)),
      offset || found.length > PAGE ? h("p", { class: "pager" }, turn("Previous", offset - PAGE, offset > 0), `${count(offset + 1)} to ${count(offset + rows.length)}`, turn("Next", offset + PAGE, found.length > PAGE)) : "",
    );
  } catch (error) {
    bad.replaceChildren(h("p", { class: "job-error" }, error.message));
  }
}

function show(jobs) {
  const place = byId("jobs");
  place.removeAttribute("aria-busy");
  if (!jobs.length) {
    place.replaceChildren(h("div", { class: "nothing" }, icon("folder"), h("strong", {}, "No jobs yet"), h("p", {}, "Add a folder above, or run ruiji ingest FOLDER in a shell.")));
    return;
  }
  place.querySelector(".nothing")?.remove();
  let after = null;
  for (const job of jobs) {
    if (!cards.has(job.id)) cards.set(job.id, make(job));
    const parts = cards.get(job.id);
    fill(parts, job);
    const next = after ? after.nextSibling : place.firstChild;
    if (next !== parts.root) place.insertBefore(parts.root, next);
    after = parts.root;
  }
}

const refresh = repeat(async () => {
  try {
    const { jobs } = await api("/jobs?limit=50");
    show(jobs);
    return jobs.some((job) => ACTIVE.includes(job.state) || (job.state === "done" && !job.searchable)) ? 1000 : 5000;
  } catch (error) {
    if (!cards.size) byId("jobs").replaceChildren(h("div", { class: "nothing" }, icon("alert"), h("strong", {}, "Jobs cannot be read now"), h("p", {}, error.message)));
    return 3000;
  }
});

followRuns();
addFolderForm(() => refresh());
