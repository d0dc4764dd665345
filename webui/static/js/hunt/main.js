// The page of one hunt: holds the step that is shown, and joins the parts.

import { api } from "../api.js";
import { announce, byId, h, icon } from "../dom.js";
import { count, plural } from "../format.js";
import { may } from "../may.js";
import { Chooser } from "../search/chooser.js";
import { folded, standing } from "../search/folds.js";
import { takePictures } from "../search/intake.js";
import { deliverAndTell } from "../search/kept.js";
import { listen } from "../search/keys.js";
import { hideMessage } from "../search/message.js";
import { Selection } from "../search/selection.js";
import { carried } from "../search/tile.js";
import { toast } from "../toast.js";
import { Above } from "./above.js";
import { HuntBar } from "./bar.js";
import { HuntDecider } from "./decide.js";
import { Examples } from "./examples.js";
import { Kept } from "./kept.js";
import { askToAccept, bannerFor, sayEnd, sayFailure, sayFinished, sayGone, sayLook } from "./panel.js";
import { Proposal } from "./proposal.js";
import { Status } from "./status.js";
import { Steps } from "./step.js";

const SETTLE_MS = 300; // a key pressed sooner was meant for the page before: nobody has seen this one yet
const BELOW = "Below the line: less likely, not selected";

const main = byId("main");
const id = main.dataset.hunt;
let hunt = null;
let step = null; // null: an answer is on its way, or there is none
let results = [];
let byImage = new Map();
let shownAt = 0;
let encoder = null;
let walking = false; // the focus was on a tile: it goes to the first of the next page
let deciding = 0; // decisions that are not answered yet: each asks for the next step itself
let closeToast = () => {};

const kept = new Kept(id);
const steps = new Steps(id);
const selection = new Selection();
const proposal = new Proposal(selection, kept);
const status = new Status({ finish: () => mark(true), check: () => { if (deciding) return; walking = true; next("check"); } }); // Enter is the grid's again
const decider = new HuntDecider(id, { kept, changed: () => bar.undoable(decider.undoable) });
const bar = new HuntBar({ confirm, invert: () => act.invert(), undo });
const examples = new Examples(id, { changed: (now) => { hunt = now; if (hunt.finished_at === null && !deciding) next(); } });
const chooser = new Chooser({
  selection,
  results: () => results,
  changed: touched,
  search: (result) => { location.href = `/?image=${result.image_id}`; },
});
const { grid, view } = chooser;
const above = new Above(id, { ready: () => step?.kind === "page", go: labelAbove, closed: () => grid.focusOn(grid.current) });

const ready = () => step !== null && performance.now() - shownAt >= SETTLE_MS;

function paint() {
  grid.paint();
  const { yes, no, other, both } = proposal.decision();
  bar.show({ yes: yes.length, no: no.length, other, both });
}

function touched() {
  proposal.note();
  paint();
}

function forget() {
  [step, results, byImage] = [null, [], new Map()];
  selection.reset([], () => false);
  delete main.dataset.step;
}

/** What was shown goes at once: no key may act on what is no longer seen. */
function wait() {
  const many = Math.min(results.length || 40, 60);
  walking ||= Boolean(grid.focused);
  forget();
  hideMessage();
  bar.hide();
  view.dialog.close();
  byId("banner").hidden = byId("line").hidden = true;
  byId("results").hidden = false;
  grid.wait(many);
}

function instead(show) {
  forget();
  steps.stop();
  bar.hide();
  byId("banner").hidden = byId("line").hidden = byId("results").hidden = true;
  show();
}

async function next(what) {
  if (!may("next_step")) { instead(() => sayLook(hunt)); return; }
  wait();
  let found;
  try {
    found = await steps.ask(what);
  } catch (error) {
    await fail(error);
    return;
  }
  if (found) show(found);
}

function show(found) {
  step = found;
  shownAt = performance.now();
  main.dataset.step = found.kind;
  status.figures(found);
  steps.estimate(found).then((estimate) => { if (step === found) status.estimate(estimate, found); });
  if (encoder && found.encoder !== encoder) toast("Another encoder is in use now: pictures are ranked anew, decisions stay.");
  encoder = found.encoder;
  scrollTo({ top: 0 });
  if (found.kind === "end") {
    instead(() => sayEnd(hunt, { finish: () => mark(true) }));
    main.dataset.step = "end";
    return;
  }
  if (found.kind === "accept") {
    byId("results").hidden = true;
    askToAccept(found, hunt.label.name, { accept: () => acceptRun(true), refuse: () => acceptRun(false) });
    return;
  }
  showPictures(found);
  if (walking) grid.focusOn(0);
  walking = false;
}

function showPictures(found) {
  byImage = new Map(found.results.map((result) => [result.image_id, result]));
  const chosen = (result) => kept.choices.get(result.image_id);
  results = folded(found.results, found.folds, (first, other) => chosen(first) !== chosen(other));
  const above = new Set(found.results.slice(0, found.cut ?? undefined));
  const line = found.cut === null ? null : results.filter((result) => above.has(result)).length;
  const cut = proposal.arrive({ ...found, results, cut: line }, (one) => carried(byImage.get(one)).some((label) => label.id !== hunt.label.id), standing(results));
  grid.show(results.slice(0, cut));
  if (cut < results.length) grid.extend(results.slice(cut), BELOW);
  byId("line").hidden = false;
  byId("above").hidden = found.kind !== "page" || !found.line;
  const took = found.took_ms?.total;
  byId("summary").replaceChildren(h("strong", {}, plural(found.results.length, "picture")), ` ${{ sample: "in their order", check: "drawn at random, the likelier first" }[found.kind] ?? "best first"}${took ? ` · ${Math.round(took)} ms` : ""}`);
  const banner = bannerFor(found, hunt.label.name);
  byId("banner").hidden = !banner;
  if (banner) byId("banner").replaceChildren(icon(banner.glyph), h("div", {}, h("strong", {}, banner.title), h("p", {}, banner.text)));
  paint();
  announce(`${banner ? `${banner.title} ` : ""}${plural(found.results.length, "picture")}, ${count(selection.selected.length)} selected`);
}

const showFinished = () => { status.quiet(); sayFinished(hunt, { again: () => mark(false) }); };

async function fail(error) {
  // It may have been finished by somebody else, which is no error.
  if (error.status === 409 && !error.elsewhere && error.code !== "no_examples" && (await reread()) && hunt.finished_at !== null) { instead(showFinished); return; }
  instead(() => sayFailure(error, hunt, { retry: load }));
  if (error.status === 0) addEventListener("online", () => { if (!step) load(); }, { once: true });
}

const reread = () => api(`/hunts/${id}`).then((now) => { learn(now); return true; }, () => false);

function learn(now) {
  hunt = now;
  status.hunt(hunt);
  examples.show(hunt.examples);
}

function confirm() {
  if (step?.kind === "accept") return acceptRun(true);
  if (!ready()) return true;
  const { yes, no } = proposal.decision();
  const scores = Object.fromEntries([...byImage.values()].map((result) => [result.image_id, result.score]));
  settle(decider.decide({ token: step.token, encoder: step.encoder, scores }, { yes, no }, step.kind !== "check"), () => `${count(yes.length)} yes · ${count(no.length)} no`, { yes, no });
  return true;
}

function acceptRun(accept) {
  if (!ready() || step.kind !== "accept") return true;
  const many = step.count;
  settle(decider.accept(step.token, accept), () => (accept ? `${plural(many, "picture")} accepted` : null), { yes: [], no: [] });
  return true;
}

function labelAbove({ token, label }, choice) {
  const said = ({ applied, changed }) => `${plural(applied, "picture")} labelled ${label}${changed ? `. ${plural(changed, "picture")} left out: changed meanwhile` : ""}`;
  settle(decider.beyond(token, choice), said, { yes: [], no: [] });
}

/** Waits for the answer to a decision, says what it did, and goes on. */
async function settle(answered, sentence, decided) {
  wait();
  closeToast();
  deciding += 1;
  try {
    const answer = await answered;
    if (!answer) return; // taken back meanwhile, which goes on by itself
    if ("found" in answer) status.figures(answer);
    const said = sentence(answer);
    if (said) closeToast = toast(said, answer.batch === null ? {} : { action: { label: "Undo", run: undo } });
  } catch (error) {
    refused(error, decided);
    return;
  } finally {
    deciding -= 1;
  }
  next();
}

function refused(error, { yes, no }) {
  if (error.elsewhere) { fail(error); return; }
  if (error.status === 404 && yes.length + no.length) { instead(() => sayGone(error, hunt, { yes, no })); return; }
  const why = error.status === 409 ? "somebody else has gone on with this hunt meanwhile." : error.message;
  toast(`Not saved: ${why} What you chose is kept: look once more, then confirm.`, { bad: true });
  next();
}

async function undo() {
  if (!hunt || !decider.undoable) { toast("Nothing to undo here. Earlier confirms are on the History page."); return; }
  steps.stop();
  closeToast();
  wait();
  try {
    const answer = await decider.undo();
    closeToast = toast(`Undone: ${plural(answer.images, "picture")} as before`);
    announce("Undone");
  } catch (error) {
    toast(`Not undone: ${error.message}`, { bad: true });
  }
  if (hunt.finished_at === null) next(); else instead(showFinished);
}

/** Finishes the hunt, or takes it up again. */
async function mark(finished) {
  try {
    learn(await api(`/hunts/${id}`, { method: "PATCH", json: { finished } }));
  } catch (error) {
    toast(`Not ${finished ? "finished" : "taken up"}: ${error.message}`, { bad: true });
    return;
  }
  if (finished) instead(showFinished); else next();
}

const act = {
  ...chooser.act,
  clear: () => (step?.kind === "accept" ? acceptRun(false) : chooser.act.clear()),
  above: () => { if (!ready() || step.kind !== "page") return false; above.ask(); return true; },
  refuse: () => step?.kind === "accept" && acceptRun(false),
  undo: () => { undo(); return true; },
  confirm,
};

/** What an earlier page could not deliver goes first: the step must not propose what has been decided. */
async function load() {
  wait();
  const { refused: lost } = await deliverAndTell();
  for (const { path, json } of lost) if (path === `/hunts/${id}/decisions`) kept.restore(json);
  try {
    learn(await api(`/hunts/${id}`));
  } catch (error) {
    fail(error);
    return;
  }
  if (hunt.finished_at === null) next(); else instead(showFinished);
}

listen(act, { confirm: "decide_in_hunt", refuse: "accept_run", undo: "undo", above: "above_line" });
takePictures({
  file: (file, { minus }) => examples.addFile(file, minus ? -1 : 1),
  image: (one, { minus }) => examples.addImage(one, minus ? -1 : 1, byImage.get(one)?.thumbnail),
  several: true,
  needs: "add_example",
});
byId("help-button").hidden = false;
byId("help-button").addEventListener("click", act.help);
byId("above").addEventListener("click", act.above);
bar.undoable(decider.undoable);
load();
