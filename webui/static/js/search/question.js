// One search: the query and the filters as a request to the API.

import { api } from "../api.js";
import { byId } from "../dom.js";
import { narrows } from "./state.js";

const UPLOADING_MS = 40000; // beyond what any search may take

/** Longer than the server itself waits for its worker: its own sentence says more than a time limit here. */
const patience = () => 1000 * Number(byId("main").dataset.patienceS);

/** The picture of a search, as the API names it. */
export const query = (state, kept = state.upload) => (state.image ? { image_id: state.image } : kept ? { upload: kept } : { sample: state.sample });

/** What all that match have in common, as the API names it; null when nothing but the query narrows them. */
export function conditions(state, kept) {
  if (!narrows(state) && state.min === null) return null;
  const { labels: label, sources: source, unlabelled, min: min_score, hideOwn: hide_own, anyWay: any_way_up } = state;
  return { ...query(state, kept), label, source, unlabelled, min_score, hide_own, any_way_up };
}

function narrowing(state, options) {
  for (const name of state.labels) options.append("label", name);
  for (const id of state.sources) options.append("source", id);
  if (state.unlabelled) options.set("unlabelled", "true");
  return options;
}

/** Without a picture: the newest that pass the filters. */
export const browse = (state, { k, signal }) => api(`/images?${narrowing(state, new URLSearchParams({ k }))}`, { signal, timeout: patience() });

/** state -> the API's answer. `upload` stands in for a sample or file that the server holds already. */
export function ask(state, { file = null, k, upload = null, signal }) {
  const options = narrowing(state, new URLSearchParams({ k, suggest: "true", fold: "true" }));
  if (state.anyWay) options.set("any_way_up", "true");
  const path = `/search?${options}`;
  if (file) {
    const form = new FormData();
    form.append("file", file, file.name || "pasted.png");
    return api(path, { method: "POST", form, signal, timeout: patience() + UPLOADING_MS });
  }
  return api(path, { method: "POST", json: query(state, upload ?? state.upload), signal, timeout: patience() });
}
