// The main screen: holds what is searched and shown, and joins the parts.

import { api } from "../api.js";
import { announce, byId } from "../dom.js";
import { count, plural } from "../format.js";
import { EXAMPLES, startHunt } from "../hunt/begin.js";
import { may } from "../may.js";
import { toast } from "../toast.js";
import { Bar } from "./bar.js";
import { Chips } from "./chips.js";
import { Chooser } from "./chooser.js";
import { Decider } from "./decide.js";
import { prepareEmpty } from "./empty.js";
import { Filters } from "./filters.js";
import { folded, standing, standingScore } from "./folds.js";
import { takePictures } from "./intake.js";
import { deliverAndTell } from "./kept.js";
import { listen } from "./keys.js";
import { BELOW, FIRST, Proposal } from "./likely.js";
import { hideMessage, showError, showMessage } from "./message.js";
import { keepName } from "./names.js";
import { ask, browse, conditions, query } from "./question.js";
import { Selection } from "./selection.js";
import { DEFAULT_K, LARGEST_K, hasFilter, hasQuery, narrows, noFilter, noQuery, readState, writeState } from "./state.js";
import { summarise } from "./summary.js";
import { carried } from "./tile.js";
import { Whole } from "./whole.js";
import { WholeDecider } from "./whole_decide.js";

const MORE = 120; // fetched at least when the end of the grid is reached; half as many again, for all come anew each time

let state = readState(location.search);
let results = [];
let byImage = new Map();
let answer = null; // the server's last answer, without its results
let running = null; // AbortController of the search under way
let extending = false;
let asked = null; // the query of the last answer, without its filters
let proposal = new Proposal(); // which of the tiles arrive selected
let pending = null; // a file that is searched by and has no name on the server yet

const selection = new Selection();
const open = (id) => carried(byImage.get(id)).length === 0;
const chips = new Chips({ remove: () => go({ ...noQuery }) });
const filters = new Filters({
  change: (part) => go(part),
  clear: () => go({ ...noFilter }),
  cut: (min, settled) => {
    state = { ...state, min };
    whole.forget();
    if (settled) history.replaceState(null, "", writeState(state));
    applyCut();
  },
});
const chooser = new Chooser({
  selection,
  results: () => results,
  changed: paint,
  search: (result) => go({ ...noQuery, image: result.image_id }, { picture: result.thumbnail }),
  near: extend,
});
const { grid, view } = chooser;
const decider = new Decider({
  selection,
  result: (id) => byImage.get(id),
  encoder: () => answer?.encoder,
  labels: () => filters.labels,
  shown: (ids, confirmed) => { grid.redraw(ids, confirmed); paint(); },
  changed: (counts) => { bar.undoable(decider.undoable); if (counts) refreshFilters(); },
});
const bar = new Bar({ confirm, hunt, invert: () => act.invert(), undo: () => decider.undo(), leave: () => grid.focusOn(grid.current), renamed: propose });
const whole = new Whole({ selection, request: () => (may("find_match") && answer ? conditions(state, answer.query?.upload) : null), changed: paint });
const wholeDecider = new WholeDecider({ whole, decider, source: (id) => filters.sources.find((one) => one.id === id)?.name ?? `source ${id}`, again: () => { search(); refreshFilters(); }, closed: () => grid.focusOn(grid.current) });
const clearFilters = { label: "Clear filters", primary: true, run: () => go({ ...noFilter }) };
const showEmpty = prepareEmpty({ sample: (one) => go({ ...noQuery, sample: one.name }, { picture: one.url }) });

/** What is selected follows the label in the bar until somebody chooses by hand. */
function propose() {
  if (!results.length) return;
  selection.propose(proposal.under(bar.label, filters.labels));
  paint();
}

function paint() {
  grid.paint();
  whole.look();
  const labelled = whole.active ? 0 : selection.selected.filter((id) => carried(byImage.get(id)).length).length;
  bar.show({ ...whole.figures, labelled });
}

function applyCut() {
  const below = state.min === null ? results.length : results.findIndex((result) => standingScore(result) < state.min);
  selection.limit = below < 0 ? results.length : below;
  grid.cut(selection.limit);
  byId("clear-filters").hidden = !hasFilter(state);
  if (!results.length) return; // a search is under way or failed, and says so itself
  byId("results").hidden = selection.limit === 0;
  if (selection.limit) hideMessage(); else showNothing();
  summarise(answer, selection.shown.length);
  paint();
}

function showNothing() {
  if (hasFilter(state)) showMessage("Nothing found", "No picture passes these filters.", { actions: [clearFilters] });
  else showMessage("Nothing found", "There are no pictures to search yet. Add a folder first.", { actions: [{ label: "Add a folder", primary: true, needs: "add_source", run: () => go({ ...noQuery }) }] });
}

/**
 * Changes query or filters, puts them in the address, and searches. `given` holds a file or a picture to show. A new
 * query starts without the least score, which was chosen among the old one's; a filter keeps a file on its way.
 */
function go(part, given = {}) {
  const anew = Object.keys(noQuery).some((name) => name in part);
  state = { ...state, ...(anew ? { min: null } : {}), ...part };
  history.pushState(null, "", writeState(state));
  search(anew || !pending ? given : { file: pending });
}

function forgetResults() {
  [results, byImage, answer] = [[], new Map(), null];
  selection.reset([], open);
  whole.forget();
}

/** What was found before goes at once: no key may act on what is no longer seen. */
function wait() {
  forgetResults();
  for (const id of ["tray", "results"]) byId(id).hidden = false;
  for (const id of ["empty", "line"]) byId(id).hidden = true;
  hideMessage();
  bar.hide();
  view.dialog.close();
  grid.wait(Math.min(state.k, 40));
  byId("grid-end").replaceChildren();
}

function nothing() {
  running?.abort();
  forgetResults();
  for (const id of ["tray", "results", "line"]) byId(id).hidden = true;
  hideMessage();
  bar.hide();
  view.dialog.close();
  chips.show(null);
  filters.scores([], null);
  filters.draw(state);
  document.title = "Search · Ruiji";
  showEmpty();
}

async function search({ file = null, picture = null } = {}) {
  byId("k").value = state.k;
  filters.dropCut();
  pending = file;
  const browsing = !hasQuery(state) && !file;
  if (browsing) state = { ...state, min: null }; // there is no score without a picture
  if (browsing && !narrows(state)) { nothing(); return; }
  running?.abort();
  const mine = new AbortController();
  running = mine;
  wait();
  chips.show(browsing ? null : state, { file, picture });
  filters.draw(state);
  const askedAt = performance.now();
  try {
    const found = await (browsing ? browse(state, { k: state.k, signal: mine.signal }) : ask(state, { file, k: state.k, signal: mine.signal }));
    if (mine.signal.aborted) return;
    answer = found;
    pending = null;
    if (file || state.sample) keepName(found.query.upload, chips.name);
    if (file) {
      state = { ...state, ...noQuery, upload: found.query.upload };
      history.replaceState(null, "", writeState(state));
    }
    arrive(found, askedAt);
  } catch (error) {
    if (mine.signal.aborted) return;
    fail(error, () => search({ file, picture }), mine.signal);
  }
}

function arrive(found, askedAt) {
  const images = found.results.filter((result) => !(state.hideOwn && result.own_copy));
  byImage = new Map(images.map((result) => [result.image_id, result]));
  decider.overlay(images, askedAt);
  results = folded(images, found.folds);
  byId("line").hidden = false;
  byId("grid-end").replaceChildren();
  if (found.query) chips.describe(found, images);
  proposal = new Proposal(found.query ? results : []); // nobody said what these are to be
  selection.reset(results.map((result) => result.image_id), open, () => false, standing(results));
  filters.scores(found.query ? results : [], state.min, !found.exhausted);
  const first = found.query ? FIRST : results.length;
  grid.show(results.slice(0, first));
  if (results.length > first) grid.extend(results.slice(first), BELOW);
  document.title = `${count(images.length)} ${found.query ? "nearest" : "newest"} · Ruiji`;
  if (!results.length) {
    byId("results").hidden = true;
    showNothing();
    bar.hide();
    return;
  }
  const query = `${state.image} ${state.upload} ${state.sample}`;
  if (query !== asked) bar.suggest(found.query ? images : []); // a label that was typed outlives a change of filters
  asked = query;
  propose();
  applyCut();
  scrollTo({ top: 0 });
  announce(`${plural(images.length, "result")}, ${selection.selected.length} selected`);
}

function fail(error, retry, signal) {
  byId("results").hidden = true;
  filters.scores([], null);
  bar.hide();
  const actions = [{ label: "Choose another picture", run: () => byId("file").click() }];
  if (error.elsewhere) actions.unshift({ label: "Reload", primary: true, run: () => location.reload() });
  else if (error.passing || error.status >= 500) actions.unshift({ label: "Try again", primary: true, run: retry });
  else if (["unknown_label", "unknown_source"].includes(error.code)) actions.unshift(clearFilters);
  showError(error, actions);
  if (error.status === 0) addEventListener("online", retry, { once: true, signal });
}

/** The end of the grid is in sight: fetch more of the same search. They arrive unselected below a divider. */
async function extend() {
  if (extending || !answer || answer.exhausted || !results.length || selection.limit < results.length || byImage.size >= LARGEST_K - 1) return;
  extending = true;
  const [of, mine, askedAt] = [answer, running, performance.now()];
  byId("grid-end").textContent = "Loading more…";
  try {
    const k = Math.min(LARGEST_K, byImage.size + Math.max(MORE, Math.ceil(byImage.size / 2)));
    const more = await (of.query ? ask(state, { k, upload: of.query.upload, signal: mine.signal }) : browse(state, { k, signal: mine.signal }));
    if (answer !== of) return;
    const images = more.results.filter((result) => !byImage.has(result.image_id) && !(state.hideOwn && result.own_copy));
    decider.overlay(images, askedAt);
    const fresh = folded(images, more.folds);
    for (const result of images) byImage.set(result.image_id, result);
    results.push(...fresh);
    selection.extend(fresh.map((result) => result.image_id), open, standing(fresh));
    whole.extend(fresh.map((result) => result.image_id));
    of.exhausted = more.exhausted || !fresh.length;
    if (fresh.length) grid.extend(fresh, of.query && !grid.divided && !whole.active ? BELOW : null);
    if (of.query) filters.scores(results, state.min, !of.exhausted);
    applyCut();
    byId("grid-end").textContent = of.exhausted ? "That is all there is." : byImage.size >= LARGEST_K - 1 ? `The ${of.query ? "nearest" : "newest"} ${count(LARGEST_K)} are shown.` : "";
  } catch (error) {
    if (answer === of && !mine.signal.aborted) byId("grid-end").textContent = `More could not be loaded: ${error.message}`;
  } finally {
    extending = false;
  }
}

function confirm() {
  if (!selection.selected.length) return false;
  if (!bar.label) { bar.focus(); return true; }
  if (!wholeDecider.confirm(bar.label)) decider.confirm(bar.label);
  return true;
}

/** A hunt for the chosen label, with the picture that was searched by as its first example, else the first selected. */
function hunt() {
  if (!results.length) return false;
  if (bar.label) startHunt(bar.label, answer.query ? [{ ...query(state), sign: 1 }] : selection.selected.slice(0, EXAMPLES).map((id) => ({ image_id: id, sign: 1 })));
  else { bar.focus(); toast("Choose or type the label to hunt for first."); }
  return true;
}

async function refreshFilters() {
  try {
    await filters.refresh(() => state);
    bar.offer(filters.labels);
    propose(); // the labels may come after the pictures
  } catch (error) {
    if (error.status !== 0) toast(error.message, { bad: true });
  }
}

const act = {
  ...chooser.act,
  all() { if (!results.length) return false; whole.next(); return true; },
  invert() { whole.end(); return chooser.act.invert(); },
  clear() { whole.end(); return chooser.act.clear(); },
  label() { if (!results.length) return false; bar.focus(); return true; },
  pick(n) { if (!results.length || !filters.labels[n]) return false; bar.label = filters.labels[n].name; return true; },
  undo() { decider.undo(); return true; },
  confirm,
  hunt,
};

listen(act, { label: "decide", pick: "decide", confirm: "decide", undo: "undo", hunt: "begin_hunt" });
takePictures({ file: (file) => go({ ...noQuery }, { file }), image: (id) => go({ ...noQuery, image: id }) });
byId("help-button").hidden = false;
byId("help-button").addEventListener("click", act.help);
byId("select-all").addEventListener("click", act.all);
byId("k").addEventListener("change", (event) => go({ k: Number(event.target.value) || DEFAULT_K }));
addEventListener("popstate", () => { state = readState(location.search); search(); });

search();
refreshFilters();
deliverAndTell().then(({ saved }) => { if (saved) refreshFilters(); });
