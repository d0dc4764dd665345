// What is shown once: a link or a secret that the server itself cannot tell again, ready to be copied.

import { h } from "../dom.js";
import { toast } from "../toast.js";

export function showOnce(place, says, secret) {
  const text = h("input", { type: "text", readOnly: true, value: secret, "aria-label": says });
  text.value = secret;
  text.addEventListener("focus", () => text.select());
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(secret);
      toast("Copied.");
    } catch {
      text.focus(); // no clipboard but on https and loopback: it is selected, Ctrl+C takes it
    }
  };
  const close = () => { place.hidden = true; place.replaceChildren(); };
  place.replaceChildren(h("p", {}, says), text,
    h("div", { class: "field-row" }, h("button", { type: "button", class: "primary small", onclick: copy }, "Copy"), h("button", { type: "button", class: "quiet small", onclick: close }, "Done")));
  place.hidden = false;
  text.focus();
}

/** Sends a form: `send` does it, `problem` is where its refusal goes. */
export async function submitted(event, problem, send) {
  event.preventDefault();
  problem.hidden = true;
  const button = event.target.querySelector("[type=submit]");
  button.disabled = true;
  try {
    await send();
    event.target.reset();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
  button.disabled = false;
}
