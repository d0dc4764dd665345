"""The images of a label with what is thought of each; read from the shards a few thousand at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from curate.paging import Ids
from curate.ranker import Scores, Vectors
from curate.suspects import Others, Verdict, judge

MOST_JUDGED = 10_000  # images that a verdict is made from; more are placed by it
PLACED_AT_ONCE = 5000  # vectors: 10 MB

Read = Callable[[Ids], tuple[Ids, Vectors]]


@dataclass(frozen=True)
class Ranked:
    """What one encoder makes of a label's images: ids (n,) ascending, scores (n,), likeness (n,); see `Verdict`.

    `event_id` is the last decision that it knows of; `missing` have no vector yet.
    """

    encoder_id: str
    event_id: int
    ids: Ids
    scores: Scores
    likeness: Scores
    verdict: Verdict
    missing: Ids

    def with_more(self, images: Ids, read: Read) -> Ranked:
        """Together with those of the images that were not among them."""
        fresh = np.setdiff1d(images, self.ids)
        found = [(self.ids, self.scores, self.likeness)]
        for start in range(0, len(fresh), PLACED_AT_ONCE):
            ids, vectors = read(fresh[start : start + PLACED_AT_ONCE])
            if len(ids):
                found.append((ids, *self.verdict.of(vectors)))
        ids, scores, likeness = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(ids)
        return replace(
            self,
            ids=ids[order],
            scores=scores[order],
            likeness=likeness[order],
            missing=np.setdiff1d(images, ids),
        )

    def aligned(self, images: Ids) -> tuple[Scores, Scores]:
        """Scores and likeness (n,) of these images, NaN, which is sorted last, where there are none."""
        at = np.minimum(np.searchsorted(self.ids, images), len(self.ids) - 1)
        known = self.ids[at] == images
        nothing = np.float32(np.nan)
        return np.where(known, self.scores[at], nothing), np.where(known, self.likeness[at], nothing)


def rank(
    images: Ids,
    *,
    encoder_id: str,
    event_id: int,
    read: Read,
    others: Callable[[Ids], Others],
    rng: np.random.Generator,
) -> Ranked | None:
    """Judge a label's images against `others`, which is given all of the images ascending; None without a vector.

    `read` gives those of the images that have a vector, ascending, and their vectors.
    """
    chosen = members = np.sort(images)
    if len(members) > MOST_JUDGED:
        chosen = np.sort(rng.choice(members, MOST_JUDGED, replace=False))
    ids, vectors = read(chosen)
    if not len(ids):
        return None
    verdict = judge(vectors, others(members), rng=rng)
    known = Ranked(encoder_id, event_id, ids, verdict.scores, verdict.likeness, verdict, np.setdiff1d(members, ids))
    return known.with_more(members, read) if len(known.missing) else known
