"""Which results of a page fold into one tile: near-identical pictures that are labelled alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from catalog.artifacts import ArtifactStore
from catalog.hits import Hit
from catalog.ledger import Ledger
from catalog.statements import slices
from curate.fingerprints import Fingerprints
from curate.near_identical import group

BELOW = 30  # results that are looked at beyond those asked for: the last copies of a picture rank a little lower

FOLDED_AT_ONCE = 1000  # each is laid over each: 5,000 at once would take half a gigabyte; copies rank close together

Folds = tuple[tuple[int, ...], ...]


class Folder:
    """Folds results; keeps nothing but fingerprints."""

    def __init__(self, ledger: Ledger, store: ArtifactStore) -> None:
        self._prints = Fingerprints(ledger, store)

    def folds(self, hits: Sequence[Hit]) -> Folds:
        """The ids of each fold of two or more, in the order of the results; the first is the one to be shown.

        A picture that somebody has said something of is not folded with one that nobody has: what is confirmed for a
        tile is confirmed for all in it, and its labels are theirs.
        """
        prints = self._prints.of(hit.image_id for hit in hits)
        alike: dict[frozenset[tuple[int, str]], list[int]] = {}
        for hit in hits:
            if hit.image_id in prints:
                alike.setdefault(frozenset((one.label_id, one.state) for one in hit.labels), []).append(hit.image_id)
        folds = [
            tuple(some[place] for place in places)
            for ids in alike.values()
            for some in slices(ids, FOLDED_AT_ONCE)
            if len(some) > 1
            for places in group(np.stack([prints[one] for one in some]))
            if len(places) > 1
        ]
        rank = {hit.image_id: place for place, hit in enumerate(hits)}
        return tuple(sorted(folds, key=lambda fold: rank[fold[0]]))


def first_tiles(hits: Sequence[Hit], folds: Folds, *, tiles: int) -> tuple[list[Hit], Folds]:
    """The results in the first so many tiles, best first, and the folds among them."""
    stands_for = {one: fold[0] for fold in folds for one in fold}
    heads = list(dict.fromkeys(stands_for.get(hit.image_id, hit.image_id) for hit in hits))
    return _under(hits, folds, heads[:tiles])


def with_copies(hits: Sequence[Hit], folds: Folds, *, k: int) -> tuple[list[Hit], Folds]:
    """The first k results and the near-identical ones further down, best first, and the folds among them."""
    return _under(hits, folds, [hit.image_id for hit in hits[:k]])


def _under(hits: Sequence[Hit], folds: Folds, wanted: Collection[int]) -> tuple[list[Hit], Folds]:
    stands_for = {one: fold[0] for fold in folds for one in fold}
    heads = {stands_for.get(one, one) for one in wanted}
    shown = [hit for hit in hits if stands_for.get(hit.image_id, hit.image_id) in heads]
    return shown, tuple(fold for fold in folds if fold[0] in heads)
