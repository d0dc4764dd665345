// What stands in the grid's place when there is nothing to show: an error with its remedy, or an empty answer.

import { byId, h, icon } from "../dom.js";
import { may } from "../may.js";

const TITLES = {
  query_failed: "That is not a picture Ruiji can read",
  too_large: "That file is too large",
  worker_unavailable: "The query worker is not answering",
  index_unavailable: "The vector index is not answering",
  unknown_upload: "That picture is no longer kept",
  unknown_image: "That image is gone",
  unknown_label: "There is no such label",
  unknown_source: "There is no such source",
  unknown_sample: "That example is gone",
  other_installation: "Another Ruiji answers at this address",
  offline: "Ruiji's server does not answer",
  timeout: "That took too long",
  no_encoder: "No encoder is installed yet",
  storage_full: "The server's disk is full",
  unknown_hunt: "This hunt is gone",
};

export function hideMessage() {
  byId("message").hidden = true;
}

/** The server's sentences set commands in backquotes. */
const withCode = (text) => text.split("`").map((part, n) => (n % 2 ? h("code", {}, part) : part));

/** actions: [{ label, run, primary, needs }]; needs: what it asks of the server, if that may be refused. */
export function showMessage(title, text, { bad = false, actions = [] } = {}) {
  const place = byId("message");
  place.className = bad ? "message bad" : "message";
  place.setAttribute("role", bad ? "alert" : "status");
  place.replaceChildren(
    icon(bad ? "alert" : "picture"), h("h2", {}, title), h("p", {}, ...withCode(text)),
    h("div", {}, ...actions.filter(({ needs }) => !needs || may(needs)).map(({ label, run, primary }) => h("button", { type: "button", class: primary ? "primary" : "outline", onclick: run }, label))),
  );
  place.hidden = false;
}

export function showError(error, actions, otherwise = "The search failed") {
  const text = error.code === "unknown_upload" ? "Uploaded pictures are kept for an hour. Drop or choose it again." : error.message;
  showMessage(TITLES[error.code] ?? otherwise, text, { bad: true, actions });
}
