// What is searched and how it is filtered, as the page's address: a search can be sent to a colleague.

export const DEFAULT_K = 60;
export const LARGEST_K = 5000;

export const whole = (text, low, high) => {
  const n = Number(text);
  return /^\d+$/.test(text ?? "") && n >= low && n <= high ? n : null;
};

/** "?image=7&k=120&label=dog" -> state. What does not parse is left out, never guessed. */
export function readState(search) {
  const query = new URLSearchParams(search);
  const min = Number(query.get("min") ?? NaN);
  const upload = query.get("upload");
  return {
    image: whole(query.get("image"), 1, Number.MAX_SAFE_INTEGER),
    upload: /^[0-9a-f]{64}$/.test(upload ?? "") ? upload : null,
    sample: query.get("sample"),
    k: whole(query.get("k"), 1, LARGEST_K) ?? DEFAULT_K,
    labels: query.getAll("label"),
    unlabelled: query.get("unlabelled") === "1",
    sources: query.getAll("source").map((id) => whole(id, 1, Number.MAX_SAFE_INTEGER)).filter((id) => id !== null),
    min: query.has("min") && min > -1 && min <= 1 ? min : null,
    hideOwn: query.get("own") === "0",
    anyWay: query.get("way") === "any",
  };
}

export function writeState(state) {
  const query = new URLSearchParams();
  if (state.image) query.set("image", state.image);
  else if (state.upload) query.set("upload", state.upload);
  else if (state.sample) query.set("sample", state.sample);
  if (state.k !== DEFAULT_K) query.set("k", state.k);
  for (const name of state.labels) query.append("label", name);
  if (state.unlabelled) query.set("unlabelled", "1");
  for (const id of state.sources) query.append("source", id);
  if (state.min !== null) query.set("min", state.min);
  if (state.hideOwn) query.set("own", "0");
  if (state.anyWay) query.set("way", "any");
  const text = query.toString();
  return text ? `/?${text}` : "/";
}

export const hasQuery = (state) => Boolean(state.image || state.upload || state.sample);
export const hasFilter = (state) => state.labels.length > 0 || state.unlabelled || state.sources.length > 0 || state.min !== null || state.hideOwn;
/** Without a picture these alone say which pictures to show. */
export const narrows = (state) => state.labels.length > 0 || state.unlabelled || state.sources.length > 0;
export const noQuery = { image: null, upload: null, sample: null };
export const noFilter = { labels: [], unlabelled: false, sources: [], min: null, hideOwn: false };
