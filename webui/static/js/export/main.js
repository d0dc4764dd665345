// The export page: what is chosen is counted by the server before anything is handed out.

import { api } from "../api.js";
import { byId, debounce, h, icon } from "../dom.js";
import { bytes, count, plural } from "../format.js";
import { toast } from "../toast.js";
import { TREES, commandOf } from "./command.js";
import { LabelChoice } from "./labels.js";
import { holding } from "./runs.js";

const WITHOUT_REJECTED = { imagefolder: "A tree of folders has no place for that.", coco: "COCO has no place for that." };
const SETTLE_MS = 150;
const LONGEST = 8000; // characters of an address that any server takes

const form = byId("export-form");
const choice = new LabelChoice(byId("export-labels"), { changed: () => draw() });
const askSoon = debounce(SETTLE_MS, plan);
let running = null;

const format = () => form.elements.format.value;
const rejected = () => byId("rejected").checked && !(format() in WITHOUT_REJECTED);

function query() {
  const asked = new URLSearchParams({ format: format(), ...choice.asked });
  if (rejected()) asked.set("rejected", "true");
  return `?${asked}`.replaceAll("%2C", ",");
}

/** What is on the page is in its address: an export can be sent to a colleague, or done again. */
function read() {
  const asked = new URLSearchParams(location.search);
  const wanted = [...form.elements.format].find((one) => one.value === asked.get("format"));
  if (wanted) wanted.checked = true;
  byId("rejected").checked = asked.get("rejected") === "true";
  const [each, named, left] = [new Set(asked.getAll("label")), holding(asked.get("labels")), holding(asked.get("without"))];
  if (asked.has("without")) return (id) => !left(id);
  return asked.has("labels") ? named : each.size ? (id) => each.has(String(id)) : () => true;
}

function allow(file) {
  const link = byId("export-download");
  link.setAttribute("aria-disabled", String(!file));
  link.textContent = file ? `Download ${file}` : "Download";
  if (file) Object.assign(link, { href: `/api/v1/export${query()}`, download: file });
  else link.removeAttribute("href");
}

function draw() {
  const why = WITHOUT_REJECTED[format()];
  byId("rejected").disabled = Boolean(why);
  byId("rejected-note").hidden = !why;
  byId("rejected-note").textContent = why ?? "";
  byId("export-shell").textContent = format() in TREES ? "On this machine without a download, with links to your photos instead of copies:" : "On this machine, without a download:";
  byId("export-command").textContent = commandOf({ names: choice.named.map((label) => label.name), format: format(), rejected: rejected(), home: byId("export-command").dataset.home });
  allow(null);
  running?.abort();
  const long = query().length > LONGEST;
  history.replaceState(null, "", long ? location.pathname : query());
  if (long) { askSoon.cancel(); byId("export-plan").textContent = "So many single labels do not fit into one download. Export them in two parts, or with the command below."; return; }
  if (choice.empty) { askSoon.cancel(); byId("export-plan").textContent = choice.labels.length ? "Choose at least one label." : "There are no labels yet."; return; }
  askSoon();
}

async function plan() {
  const mine = new AbortController();
  running = mine;
  byId("export-plan").textContent = "Counting…";
  try {
    const found = await api(`/export/plan${query()}`, { signal: mine.signal, timeout: 60000 });
    if (mine.signal.aborted) return;
    const size = found.photo_bytes ? `, about ${bytes(found.photo_bytes)}` : "";
    byId("export-plan").replaceChildren(h("strong", {}, plural(found.images, "photo")), ` with ${plural(found.decisions, "decision")} about ${plural(found.labels, "label")}${size}`);
    allow(found.images ? found.file : null);
  } catch (error) {
    if (!mine.signal.aborted) byId("export-plan").replaceChildren(icon("alert"), ` This cannot be counted now. ${error.message}`);
  }
}

async function start() {
  const wanted = read();
  try {
    const { labels } = await api("/labels");
    choice.show(labels, wanted);
  } catch (error) {
    byId("export-labels").replaceChildren(h("p", { class: "form-error" }, `Labels cannot be read now. ${error.message}`));
    return;
  } finally {
    byId("export-labels").removeAttribute("aria-busy");
  }
  draw();
}

form.addEventListener("change", (event) => { if (event.target.name === "format" || event.target.id === "rejected") draw(); });
form.addEventListener("submit", (event) => { event.preventDefault(); byId("export-download").click(); });
byId("export-download").addEventListener("click", (event) => {
  if (!event.currentTarget.hasAttribute("href")) { event.preventDefault(); return; }
  toast("The download has begun. Your browser shows how far it is; should it break off, it is marked as failed and can be begun again.");
});
byId("export-copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(byId("export-command").textContent);
    toast(`Copied: ${count(byId("export-command").textContent.length)} characters`);
  } catch {
    getSelection().selectAllChildren(byId("export-command")); // no clipboard is given to this page: Ctrl+C does it
    toast("Selected: press Ctrl+C to copy it.");
  }
});

start();
