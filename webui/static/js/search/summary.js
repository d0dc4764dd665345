// The line above the results: how many there are, which way up the query was taken, and how long it took.

import { byId, h } from "../dom.js";
import { plural } from "../format.js";

/** The query may have been turned before it was searched by. */
function wayUp(way) {
  if (!way || !(way.degrees || way.mirrored)) return "";
  return ` · query ${[way.degrees ? `turned ${way.degrees}°` : "", way.mirrored ? "mirrored" : ""].filter(Boolean).join(" and ")}`;
}

export function summarise(answer, shown) {
  const took = answer?.took_ms?.total;
  byId("summary").replaceChildren(h("strong", {}, plural(shown, "picture")), ` ${answer?.query ? "nearest" : "newest"} first${wayUp(answer?.way_up)}${took ? ` · ${Math.round(took)} ms` : ""}`);
  byId("k-word").textContent = answer?.query ? "Nearest" : "Newest";
  byId("summary").title = Object.entries(answer?.took_ms ?? {}).map(([stage, ms]) => `${stage} ${ms} ms`).join("\n");
}
