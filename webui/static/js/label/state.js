// What is shown of a label, as the page's address: a page of it can be sent to a colleague.

import { LARGEST_K, whole } from "../search/state.js";

export const TABS = ["review", "suggested", "compare"];
const SORTS = ["doubt", "unlike", "newest"];
const MOST = 1e9;

/** "?tab=compare&with=7" -> state. What does not parse is left out, never guessed. */
export function readState(search) {
  const query = new URLSearchParams(search);
  const one = (name, among) => (among.includes(query.get(name)) ? query.get(name) : among[0]);
  return {
    tab: one("tab", TABS),
    sort: one("sort", SORTS),
    show: whole(query.get("show"), 1, LARGEST_K) ?? 60,
    from: whole(query.get("from"), 0, MOST) ?? 0,
    everything: query.get("all") === "1",
    other: whole(query.get("with"), 1, Number.MAX_SAFE_INTEGER),
  };
}

export function writeState(id, { tab, sort, show, from, everything, other }) {
  const query = new URLSearchParams();
  if (tab !== TABS[0]) query.set("tab", tab);
  if (sort !== SORTS[0]) query.set("sort", sort);
  if (show !== 60) query.set("show", show);
  if (from) query.set("from", from);
  if (everything) query.set("all", "1");
  if (other) query.set("with", other);
  const text = query.toString();
  return `/labels/${id}${text ? `?${text}` : ""}`;
}
