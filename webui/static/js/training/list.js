// The training runs of the jobs page. Asks every second or two while one is at work.

import { api } from "../api.js";
import { byId, repeat } from "../dom.js";
import { RunCard } from "./card.js";

const SHOWN = 20;
const cards = new Map(); // run id -> its card, changed in place so that focus and open lists stay

export function followRuns() {
  const place = byId("runs");
  const refresh = repeat(async () => {
    try {
      const { runs, workers } = await api(`/training?limit=${SHOWN}`);
      let after = null;
      for (const run of runs) {
        if (!cards.has(run.id)) cards.set(run.id, new RunCard(run, () => refresh()));
        const card = cards.get(run.id);
        await card.fill(run, workers);
        const next = after ? after.nextSibling : place.firstChild;
        if (next !== card.root) place.insertBefore(card.root, next);
        after = card.root;
      }
      place.hidden = !runs.length;
      return runs.some((run) => run.state === "running") ? 1500 : 6000;
    } catch {
      return 4000; // the list of jobs below tells what is wrong
    }
  });
}
