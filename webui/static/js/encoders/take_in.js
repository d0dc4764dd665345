// The form that takes in one more encoder, from a folder or a zip on the server.

import { api } from "../api.js";
import { byId } from "../dom.js";

const PATIENCE_MS = 150_000; // its weights are read, checked and stored first

/** added(encoder): called with the new row. */
export function takeIn(added) {
  const form = byId("take-in");
  const opener = byId("take-in-open");
  const problem = byId("take-in-error");
  const unfold = (on) => {
    form.hidden = !on;
    opener.setAttribute("aria-expanded", String(on));
    if (on) byId("take-in-path").focus();
  };
  opener.addEventListener("click", () => unfold(form.hidden));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    const button = form.querySelector('button[type="submit"]');
    button.disabled = true;
    try {
      const encoder = await api("/encoders", { method: "POST", json: { path: byId("take-in-path").value.trim() }, timeout: PATIENCE_MS });
      form.reset();
      unfold(false);
      opener.focus();
      added(encoder);
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
