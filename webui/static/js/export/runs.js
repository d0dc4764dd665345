// Which of many labels are meant, as short as an address needs it: runs of ids such as 1-40,42.

/** `ids` among `known`, both ascending. A run goes on over ids that are no label. */
export function runsOf(ids, known) {
  const meant = new Set(ids);
  const runs = [];
  let going = false;
  for (const id of known) {
    if (!meant.has(id)) going = false;
    else if (going) runs.at(-1)[1] = id;
    else going = runs.push([id, id]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}

/** "1-40,42" -> whether it holds an id. */
export function holding(text) {
  const runs = (text ?? "").split(",").map((run) => run.split("-").map(Number));
  return (id) => runs.some(([first, last = first]) => first <= id && id <= last);
}
