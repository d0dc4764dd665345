// The page of one label: joins its tabs, and what they share.

import { api } from "../api.js";
import { announce, byId } from "../dom.js";
import { plural } from "../format.js";
import { Kept } from "../hunt/kept.js";
import { deliverAndTell } from "../search/kept.js";
import { listen } from "../search/keys.js";
import { hideMessage, showError } from "../search/message.js";
import { View } from "../search/view.js";
import { toast } from "../toast.js";
import { LabelBar } from "./bar.js";
import { Compare } from "./compare.js";
import { LabelDecider } from "./decide.js";
import { Head } from "./head.js";
import { sayEmpty } from "./kinds.js";
import { Sheet } from "./sheet.js";
import { readState, writeState } from "./state.js";

const DECIDING = ["decide_review", "decide_suggested", "move"]; // one for each tab
const PATIENCE_MS = 60000; // the first look at a label of 50,000 pictures takes 6 s on two cores

const main = byId("main");
const id = Number(main.dataset.label);
let label = null;
let closeToast = () => {};

/** The tab's own `act`, asked when the key is pressed. */
const byTab = (name) => (...given) => tab()?.act[name]?.(...given) ?? false;
const act = {
  ...Object.fromEntries(["move", "toggle", "all", "invert", "clear", "search", "view", "confirm", "refuse"].map((name) => [name, byTab(name)])),
  undo: () => { undo(); return true; },
  help: () => { byId("help").showModal(); return true; },
};

/** What the tabs share: where the page is, and what they ask, tell and do through it. */
const page = {
  id,
  state: readState(location.search),
  kept: new Kept(`label-${id}`),
  view: new View(),
  bar: new LabelBar(act),
  search: (result) => { location.href = `/?image=${result.image_id}`; },
  get: (path, signal) => api(path, { signal, timeout: PATIENCE_MS }),
  ask: (what, signal) => page.get(`/labels/${page.id}/${what}`, signal),
  /** Goes to another part of the state; `replace` where no step back should lead to the old one. */
  go(part, { replace = false } = {}) {
    const before = tab();
    page.note(part, { replace });
    if (tab() !== before) before.leave();
    head.draw(page.state);
    tab().load();
  },
  /** Puts in the address what is so already. */
  note(part, { replace = true } = {}) {
    page.state = { ...page.state, ...part };
    history[replace ? "replaceState" : "pushState"](null, "", writeState(page.id, page.state));
  },
  learn(found) {
    label = found.label;
    // It may have been merged into another one since somebody wrote this address down.
    if (label.id !== page.id) { page.id = head.id = label.id; page.note({}); head.draw(page.state); }
    head.tell(label, found.reviewed);
  },
  /** Whether this tab is the one in front: an answer may come after the person has gone on to another. */
  shows: (one) => tab() === one,
  say(sentence) {
    closeToast();
    closeToast = toast(sentence, { action: { label: "Undo", run: undo } });
  },
  step(name) {
    main.dataset.step = name;
  },
  fail(error) {
    page.step("failed");
    if (error.code === "no_examples" && label) { sayEmpty(label); return; }
    if (error.code === "no_examples") { page.get("/labels").then(({ labels }) => sayEmpty(labels.find((one) => one.id === page.id)), page.fail); return; }
    const all = { label: "All labels", run: () => { location.href = "/labels"; } };
    const again = { label: "Try again", primary: true, run: () => tab().load() };
    showError(error, error.elsewhere ? [{ label: "Reload", primary: true, run: () => location.reload() }] : error.status === 404 ? [all] : [again, all], "The pictures could not be read");
    if (error.status === 0) addEventListener("online", () => tab().load(), { once: true });
  },
};
page.decider = new LabelDecider({ kept: page.kept, changed: () => page.bar.undoable(page.decider.undoable) });
const head = new Head(id, { go: page.go });
const sheet = new Sheet(page);
const compare = new Compare(page);

function tab() {
  return page.state.tab === "compare" ? compare : sheet;
}

async function undo() {
  if (!page.decider.undoable) { toast("Nothing to undo here. Earlier decisions are on the History page."); return; }
  closeToast();
  hideMessage();
  tab().leave();
  page.step("wait");
  try {
    closeToast = toast(`Undone: ${plural(await page.decider.undo(), "picture")} as before`);
    announce("Undone");
  } catch (error) {
    toast(`Not undone: ${error.message}`, { bad: true });
  }
  tab().load();
}

listen(act, { confirm: DECIDING, refuse: DECIDING, undo: "undo" });
byId("help-button").hidden = false;
byId("help-button").addEventListener("click", act.help);
page.bar.undoable(page.decider.undoable);
head.draw(page.state);
addEventListener("popstate", () => {
  tab().leave();
  page.state = readState(location.search);
  head.draw(page.state);
  tab().load();
});
// What an earlier page could not deliver goes first: the list must not show what has been decided.
deliverAndTell().then(({ refused }) => {
  for (const { path, json } of refused) {
    if (path === `/labels/${id}/review`) page.kept.restore({ yes: json.kept, no: json.removed });
    else if (path === `/labels/${id}/suggested`) page.kept.restore(json);
  }
  tab().load();
});
