// Decisions on their way to the server. Each has its own key, is kept until it is answered, and is sent again with
// the same key after a failure: the server counts a key once, so nothing is lost and nothing is labelled twice.

import { ApiError, api } from "../api.js";
import { INSTALLATION, USER } from "../installation.js";
import { may } from "../may.js";
import { toast } from "../toast.js";

// What another installation has not got yet waits for that one, and what somebody else has decided here for them. What
// was decided before anybody had to sign in is nobody's, and goes with whoever labels here first.
const NOBODYS = `ruiji.outbox.${INSTALLATION}.`;
const OWN = USER ? `ruiji.outbox.${INSTALLATION}@${USER}.` : NOBODYS;
const WAITS_S = [0.5, 1, 2, 4, 8, 15];

let queue = Promise.resolve(); // one after another: the order in which a person decided is the order that counts

function keep(entry) {
  try {
    localStorage.setItem(entry.name, JSON.stringify({ ...entry, name: undefined }));
  } catch {
    // Storage full or forbidden: it is still sent again for as long as the page is open.
  }
}

function forget(entry) {
  try {
    localStorage.removeItem(entry.name);
  } catch {
    // As above.
  }
}

const pause = (seconds) => new Promise((resolve) => {
  const timer = setTimeout(resolve, seconds * 1000);
  addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
});

/** What the answer that was lost said, from the history. */
async function written(id) {
  const { batch } = await api(`/batches/${id}`);
  const images = Math.max(0, ...batch.parts.map((part) => part.images));
  return { batch: id, applied: images, moved: images, images, unchanged: 0, changed: 0 };
}

/** Sends until there is an answer. Only a refusal ends it; one by another installation leaves the entry for its own. */
async function insist(entry, path, json) {
  let told = null;
  let batch = null;
  try {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return batch === null ? await api(path, { method: "POST", json, timeout: 60000 }) : await written(batch);
      } catch (error) {
        // Saved as nobody's, and its answer lost: who nobody is may be called otherwise by now, or have signed in. The key
        // was made here at random and goes with this entry alone, so what was written under it is this decision.
        if (error.code === "key_taken" && entry.name.startsWith(NOBODYS)) {
          batch = error.batch;
          continue;
        }
        if (error instanceof ApiError && !error.passing) {
          if (error.elsewhere) error.message += " What you decided here is kept for the one that this page came from.";
          else forget(entry);
          throw error;
        }
        told ??= toast("The server does not answer. Your labels are kept here and sent again.", { bad: true, stay: true });
        await pause(WAITS_S[Math.min(attempt, WAITS_S.length - 1)]);
      }
    }
  } finally {
    told?.();
  }
}

function next(step) {
  const done = queue.then(step);
  queue = done.catch(() => {});
  return done;
}

async function deliver(entry) {
  const answer = await insist(entry, entry.path, entry.json);
  entry.answer = answer;
  if (!entry.undo) forget(entry);
  return answer;
}

async function takeBack(entry) {
  const undone = await insist(entry, `/batches/${entry.answer.batch}/undo`, { key: entry.undo });
  forget(entry);
  return undone;
}

/**
 * Sends { path, json }; json gets a key. `answer` resolves with the answer and rejects with an ApiError only when it was
 * refused. undo() does the same for its undo; asked for before the answer, the two are kept as one, so that a page
 * closed in between never delivers the first without the second.
 */
export function send(path, json) {
  const key = newKey();
  const entry = { path, json: { key, ...json }, undo: null, at: Date.now(), name: OWN + key };
  keep(entry);
  const answer = next(() => deliver(entry));
  const undo = () => {
    if (entry.answer) return send(`/batches/${entry.answer.batch}/undo`, {}).answer;
    entry.undo = newKey();
    keep(entry);
    return next(() => answer.then(() => takeBack(entry)));
  };
  return { answer, undo };
}

// randomUUID exists on https and on loopback only.
const newKey = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The entries under a prefix. The names of one user may begin as another's whole prefix does: so the key is compared. */
const keptUnder = (prefix) => Object.keys(localStorage).filter((name) => name.startsWith(prefix))
  .map((name) => ({ ...JSON.parse(localStorage.getItem(name)), name })).filter((entry) => entry.name === prefix + entry.json.key);

/** Sends what an earlier page could not deliver: how many were saved now, and which others were refused, and why. */
export async function deliverKept() {
  let kept = [];
  try {
    if (may("decide")) kept = [...new Set([NOBODYS, OWN])].flatMap(keptUnder);
  } catch {
    return { saved: 0, refused: [] };
  }
  kept.sort((a, b) => a.at - b.at);
  const sent = await Promise.allSettled(kept.map((entry) => {
    const answer = next(() => deliver(entry));
    return entry.undo ? next(() => answer.then(() => takeBack(entry))) : answer;
  }));
  return {
    saved: sent.filter((one) => one.status === "fulfilled").length,
    refused: sent.flatMap((one, n) => (one.status === "rejected" ? [{ ...kept[n], reason: one.reason.message }] : [])),
  };
}
