// The two tabs of a label that decide a page at a time: its own pictures looked through, and suggested ones.

import { h } from "../dom.js";
import { count, plural } from "../format.js";
import { showMessage } from "../search/message.js";
import { carried } from "../search/tile.js";

const goTo = (address) => () => { location.href = address; };
const allLabels = { label: "All labels", run: goTo("/labels") };
const huntFor = (label) => ({ label: "Start a hunt", primary: true, needs: "begin_hunt", run: goTo(`/hunts?label=${encodeURIComponent(label.name)}`) });
const ORDERS = { doubt: "most likely wrong first", unlike: "least like the rest first", newest: "newest first" };

export function sayEmpty(label) {
  showMessage(`Nothing is labelled ${label.name} yet`, "Give a picture of it: a hunt brings out the others. What you confirm can be looked through here.", { actions: [huntFor(label), allLabels] });
}

/** Each kind: ask, where a page comes from; arrive, how it arrives; says, what is shown of it; request, what a confirm sends. */
export const KINDS = {
  review: {
    ask: ({ sort, show, from, everything }) => `review?${new URLSearchParams({ sort, limit: show, offset: from, everything })}`,
    arrives: "review",
    otherwise: () => false,
    typical: false,
    below: null,
    summary: (found, { sort, from }) => [
      h("strong", {}, `${count(from + 1)} to ${count(from + found.results.length)}`), ` of ${count(found.total)} · ${ORDERS[found.encoder ? sort : "newest"]}`,
      found.unranked && found.unranked < found.total ? ` · ${count(found.unranked)} without a vector come last` : ""],
    bar: ({ yes, no }) => ({
      word: "stay",
      confirm: no.length ? `Take out ${count(no.length)}, keep ${count(yes.length)}` : `Keep ${yes.length === 1 ? "it" : `all ${count(yes.length)}`}`,
      second: no.length && yes.length ? "Only take out" : null,
    }),
    request: ({ yes, no }, of) => ({ path: "review", json: { ...of, kept: yes, removed: no } }),
    // Who only takes out has not vouched for the others: nothing is said of them.
    only: ({ no }, of) => ({ path: "review", json: { ...of, kept: [], removed: no } }),
    done: ({ kept, removed, passed_over: passed }) => [
      removed && `${plural(removed, "picture")} taken out`, kept && `${count(kept)} kept`, passed && `${count(passed)} decided by somebody else meanwhile`,
    ].filter(Boolean).join(" · ") || "Nothing changed",
    end: (found, { go }) => {
      if (!found.label.yes) { sayEmpty(found.label); return; }
      showMessage(`All of ${found.label.name} is looked through`, `${plural(found.reviewed, "picture")} ${found.reviewed === 1 ? "was" : "were"} looked at and stayed. What is labelled from now on appears here.`, {
        actions: [{ label: "See what is suggested", primary: true, run: () => go({ tab: "suggested" }) }, { label: "Look once more", run: () => go({ everything: true, from: 0 }) }, allLabels],
      });
    },
  },
  suggested: {
    ask: ({ show }) => `suggested?limit=${show}`,
    arrives: "page",
    otherwise: (result) => carried(result).length > 0,
    typical: true,
    below: "Below the line: less likely, not selected",
    summary: (found) => [h("strong", {}, plural(found.results.length, "picture")), " without a decision · most likely first"],
    bar: ({ yes, no, other, both }) => ({
      word: "selected",
      confirm: `Confirm ${count(yes.length)} yes · ${count(no.length)} no`,
      note: [other && `${count(other)} no: another label`, both && `${count(both)} yes: another too`].filter(Boolean).join(" · "),
    }),
    request: ({ yes, no }, of) => ({ path: "suggested", json: { ...of, yes, no } }),
    done: ({ passed_over: passed }, { yes, no }) => (passed
      ? `${plural(yes.length + no.length - passed, "picture")} decided · ${count(passed)} decided by somebody else meanwhile`
      : `${count(yes.length)} yes · ${count(no.length)} no`),
    end: ({ label }) => {
      if (!label.yes) { sayEmpty(label); return; }
      showMessage("Nothing undecided is left", `Every picture has been decided for ${label.name}.`, { actions: [allLabels] });
    },
  },
};
