// Asks for the next step of a hunt: one question at a time, the latest counts.

import { ApiError, api } from "../api.js";
import { byId } from "../dom.js";

const ATTEMPTS = 4;
const CHANGED = "hunt_changed"; // somebody else's decision came in between: asking again is all that it needs

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export class Steps {
  constructor(huntId) {
    this.path = `/hunts/${huntId}`;
    this.running = null;
  }

  stop() {
    this.running?.abort();
    this.running = null;
  }

  /** The next step, or a "check" of pictures drawn at random; null when it is no longer wanted. */
  async ask(what = "step") {
    this.stop();
    const mine = new AbortController();
    this.running = mine;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const step = await api(`${this.path}/${what}?fold=true`, { method: "POST", json: {}, signal: mine.signal, timeout: 1000 * Number(byId("main").dataset.patienceS) });
        return mine.signal.aborted ? null : step;
      } catch (error) {
        if (mine.signal.aborted) return null;
        if (error.code !== CHANGED || attempt === ATTEMPTS) throw error;
        await pause(100 * attempt);
      }
    }
  }

  /** How many are unfound, as far as the random checks tell; null when it cannot be had now. */
  async estimate(step) {
    if (!step.checked) return null;
    try {
      return (await api(`${this.path}/estimate`)).estimate;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return null; // the hunt goes on without
    }
  }
}
