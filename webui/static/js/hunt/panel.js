// What stands in the grid's place when a hunt has a question without pictures, or nothing more to show.

import { byId, h } from "../dom.js";
import { count, moment, percent, plural } from "../format.js";
import { NOT_YOURS, refused } from "../may.js";
import { showError, showMessage } from "../search/message.js";
import { send } from "../search/outbox.js";
import { toast } from "../toast.js";

const figure = (value, words) => h("div", {}, h("b", {}, value), h("span", {}, words));

/** A run of pictures that would be accepted without being looked at one by one: the two numbers, and yes or no. */
export function askToAccept(step, label, { accept, refuse }) {
  const wrong = Math.round(step.wrong * step.count);
  const place = byId("message");
  place.className = "message accept";
  place.setAttribute("role", "group");
  place.setAttribute("aria-labelledby", "accept-title");
  place.replaceChildren(
    h("h2", { id: "accept-title", tabindex: "-1" }, `Accept ${plural(step.count, "picture")} above here unseen?`),
    h("p", {}, `You looked at a sample of them. All would be labelled ${label}, as one batch that one undo takes back.`),
    h("div", { class: "two-figures" },
      figure(count(step.count), `become ${label}`),
      figure(percent(step.wrong), `of them may be wrong: about ${plural(wrong, "picture")}`)),
    h("div", { class: "two-buttons" },
      h("button", { type: "button", class: `primary${refused("accept_run")}`, id: "accept", onclick: accept }, `Accept ${count(step.count)} `, h("kbd", { "aria-hidden": "true" }, "⏎")),
      h("button", { type: "button", class: `outline${refused("accept_run")}`, id: "refuse", onclick: refuse }, "Look at them page by page ", h("kbd", { "aria-hidden": "true" }, "N"))));
  place.hidden = false;
  byId("accept-title").focus({ preventScroll: true }); // not the button: a key still down from before must not press it
}

/** What stands above the grid of a step that is not simply the next best page. */
export function bannerFor(step, label) {
  if (step.kind === "probe") return { glyph: "jump", title: `Jumped ${count(step.run)} ahead: are these still “${label}”?`, text: "If they are, what was passed over may be accepted at once. If not, the hunt goes back halfway." };
  if (step.kind === "sample") return { glyph: "check", title: `A sample of the ${count(step.run)} above here`, text: "Drawn from all of them. What you take out tells how many of the rest may be wrong." };
  if (step.kind === "check") return { glyph: "check", title: `A random check: select every “${label}” among these`, text: "They are drawn from all that is undecided, more where more may be found. Few of them may be right: nothing is selected." };
  return null;
}

const goTo = (address) => () => { location.href = address; };
const allHunts = { label: "All hunts", run: goTo("/hunts") };

const labelled = ({ label }) => ({ label: `Look through ${label.name}`, run: goTo(`/labels/${label.id}`) });

export function sayEnd(hunt, { finish }) {
  showMessage("Nothing undecided is left", `Every picture has been decided for ${hunt.label.name}, here or before.`, {
    actions: [{ label: "Finish", primary: true, needs: "change_hunt", run: finish }, labelled(hunt), { label: "History", run: goTo("/labels/history") }],
  });
}

export function sayFinished(hunt, { again }) {
  showMessage("This hunt is finished", `Finished ${moment(hunt.finished_at)}. What it found stays labelled ${hunt.label.name}.`, {
    actions: [{ label: "Take it up again", primary: true, needs: "change_hunt", run: again }, labelled(hunt), allHunts],
  });
}

/** To somebody whose role is to look: each step of a hunt proposes anew what to decide, and is kept. */
export function sayLook(hunt) {
  showMessage("This hunt goes on with a labeller", `What it found so far is labelled ${hunt.label.name}. ${NOT_YOURS}`, { actions: [{ ...labelled(hunt), primary: true }, allHunts] });
}

/** Why there is no next step, with a way out. hunt: null when not even the hunt could be read. */
export function sayFailure(error, hunt, { retry }) {
  if (error.code === "no_examples" && hunt) {
    const choose = { label: "Choose a picture", primary: true, needs: "add_example", run: () => byId("choose").click() };
    showMessage("Show what to look for", `This hunt has nothing to go by yet. Drop or paste a picture of ${hunt.label.name}, or choose one.`, { actions: [choose, allHunts] });
    return;
  }
  if (error.code === "query_failed") {
    showMessage("An example cannot be read", `${error.message} Take it out above, then try again.`, { bad: true, actions: [{ label: "Try again", primary: true, run: retry }, allHunts] });
    return;
  }
  const actions = error.status === 404 || error.status === 403 ? [allHunts] : [{ label: "Try again", primary: true, run: retry }, allHunts];
  showError(error, error.elsewhere ? [{ label: "Reload", primary: true, run: () => location.reload() }] : actions, "The next page could not be found");
}

/** The hunt was deleted by somebody else while this page was looked at: labels need no hunt. */
export function sayGone(error, hunt, { yes, no }) {
  const { name } = hunt.label;
  const save = async () => {
    const label = (decision, ids) => ids.length && send("/labels/decisions", { label: name, decision, image_ids: ids }).answer;
    try {
      await Promise.all([label("yes", yes), label("no", no)]);
      location.href = "/hunts";
    } catch (problem) {
      toast(`Nothing was labelled: ${problem.message}`, { bad: true });
    }
  };
  showError(error, [{ label: `Label them ${name} all the same`, primary: true, needs: "decide", run: save }, allHunts]);
}
