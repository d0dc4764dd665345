// Before all that match are decided: what they have in common, in words, for nobody has looked at them.

const any = (names) => (names.length < 3 ? names.join(" or ") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`);

/** request: the conditions as the API names them, with the picture searched by if there is one; named(id): a source's name. */
export function inWords({ label, source, unlabelled, min_score: least, hide_own: hideOwn, image_id: image, upload, sample }, named) {
  const picture = image || upload || sample;
  const parts = [
    label.length && `labelled ${any(label)}`,
    unlabelled && "without a label",
    source.length && `of ${any(source.map(named))}`,
    least !== null && `with a score of at least ${least.toFixed(2)}`,
  ];
  const every = `Every picture ${parts.filter(Boolean).join(", ")}${hideOwn && picture ? ", but the one searched by" : ""}`;
  if (!picture) return `${every}. Nobody has looked at all of them.`;
  return least === null ? `${every}. No least score is set, so the picture searched by does not matter: unlike ones match too.` : `${every}. Nobody has looked at all of them.`;
}
