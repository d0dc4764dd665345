// Near-identical pictures: one tile stands for all of them, until somebody opens it.

// By name: a label just given has no id until the server has answered, and comes last until the next search.
const labelling = (result) => JSON.stringify(result.labels.map(({ name, state }) => [name, state]).sort());

/**
 * The results that get a tile, in their order; what the others are is in `copies` of the one that stands for them.
 * folds: ids, two or more each. apart(first, other): these two are not to be decided as one.
 */
export function folded(results, folds, apart = () => false) {
  const byImage = new Map(results.map((result) => [result.image_id, result]));
  const under = new Set();
  for (const ids of folds ?? []) {
    const [first, ...others] = ids.map((id) => byImage.get(id)).filter(Boolean);
    // The page may know of a decision that the server did not know of when it folded.
    const copies = others.filter((other) => labelling(other) === labelling(first) && !apart(first, other));
    if (!copies.length) continue;
    first.copies = copies;
    for (const copy of copies) under.add(copy.image_id);
  }
  return results.filter((result) => !under.has(result.image_id));
}

/** Image id -> ids of those that its tile stands for too, as Selection wants it. */
export const standing = (results) => new Map(results.filter((result) => result.copies).map((result) => [result.image_id, result.copies.map((copy) => copy.image_id)]));

/** What the tile stands for beside its own picture, which it stops doing; null when there is nothing. */
export function unfold(result) {
  const copies = result?.copies ?? null;
  if (!copies) return null;
  delete result.copies;
  for (const copy of copies) copy.under = result;
  return copies;
}

/** What the score slider goes by: near-identical pictures stay together, whichever of them was opened. */
export const standingScore = (result) => (result.under ?? result).score;
