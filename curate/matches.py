"""All images that match a search's conditions, and one decision about them, however many they are.

What is stated and what is labelled are the same images: they are held still between the two (`kept_matches`), and
`apply` leaves out those that changed meanwhile, and adds none.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection, func, select

from catalog.artifacts import ArtifactStore
from catalog.label_events import State
from catalog.label_keys import batch_of_key
from catalog.labels import Decision, ensure_label, record
from catalog.ledger import Ledger
from catalog.matching import Ids, Kind, Kinds, Stand, matching_images, matching_in, stand_in, stand_of
from catalog.search_filter import SearchFilter
from catalog.tables import label_event
from curate.exact import scored
from curate.ranker import Scores, Vectors

SHOWN_DIGITS = 4  # scores are compared as the page shows them: what is above its line is above this one

Scored = tuple[int, float]  # an image's id and its score


@dataclass(frozen=True)
class Match:
    """Images (n,), ascending, that met the conditions; `scores` (n,) by the encoder where a score was one of them.

    `hidden` is the sha256 of a file that was left out. Once planned for a label, `kinds` (n,) is how each image stood
    to it; `label_id` is None while nobody has made that label. `hunt` is the id of the one that found them.
    """

    wanted: SearchFilter
    ids: Ids
    scores: Scores | None = None
    encoder_id: str | None = None
    hidden: str | None = None
    label: str = ""
    label_id: int | None = None
    kinds: Kinds | None = None
    hunt: str | None = None


@dataclass(frozen=True)
class Applied:
    """What became of a plan; `changed` images were left out, because they changed since. No batch: none was left.

    `repeated`: the key was used before, and how many had changed is not known any more.
    """

    batch_id: int | None
    applied: int
    changed: int
    repeated: bool


def find(
    ledger: Ledger,
    store: ArtifactStore,
    wanted: SearchFilter,
    *,
    encoder_id: str | None = None,
    vector: Vectors | None = None,
    hidden: str | None = None,
) -> Match:
    """All that match; a least score is one of `vector` (d,) by the encoder. Raises ArtifactMissing, ShardDamaged."""
    ids = matching_images(ledger, wanted, but_sha256=hidden)
    if wanted.min_score is None:
        return Match(wanted, ids, hidden=hidden)
    if encoder_id is None or vector is None:
        raise ValueError("a least score needs a vector and its encoder")
    ids, scores = scored(ledger, store, encoder_id=encoder_id, image_ids=ids, score=lambda rows: rows @ vector)
    near = np.round(scores.astype(np.float64), SHOWN_DIGITS) >= wanted.min_score
    return Match(wanted, ids[near], scores[near], encoder_id, hidden)


def plan(
    ledger: Ledger, match: Match, *, label: str, label_id: int | None, out: Collection[int]
) -> tuple[Match, Stand]:
    """The match without the images `out`, and how each stands to the label; UnknownLabel."""
    inside = ~np.isin(match.ids, np.fromiter(out, np.int64))
    ids = match.ids[inside]
    stand = stand_of(ledger, label_id, ids)
    scores = None if match.scores is None else match.scores[inside]
    return replace(match, ids=ids, scores=scores, label=label, label_id=label_id, kinds=stand.kinds), stand


def draw(match: Match, many: int) -> list[Scored]:
    """So many of its images, drawn at random, each with its score: 0 where none was a condition."""
    places = np.random.default_rng().permutation(len(match.ids))[:many]
    scores = np.zeros(len(places)) if match.scores is None else match.scores[places]
    return list(zip(match.ids[places].tolist(), scores.tolist(), strict=True))


def apply(
    ledger: Ledger,
    match: Match,
    *,
    decision: State,
    kinds: Collection[Kind],
    key: str,
    author: str,
    request_sha256: str | None = None,
) -> Applied:
    """Decide the planned images of these kinds that match and stand as they did, as one batch.

    Raises InvalidLabel, InvalidKey, KeyTaken, UnknownLabel. A key that was used before: see `recorded`.
    """
    if match.kinds is None:
        raise ValueError("a match says nothing of a label: plan it first")
    chosen = np.isin(match.kinds, list(kinds))
    many = int(chosen.sum())
    there = matching_images(ledger, match.wanted, among=match.ids, but_sha256=match.hidden)
    chosen &= np.isin(match.ids, there, assume_unique=True)
    if not chosen.any():
        return Applied(None, 0, changed=many, repeated=False)
    label_id = match.label_id or ensure_label(ledger, match.label).id
    chosen &= stand_of(ledger, label_id, match.ids).kinds == match.kinds
    if not chosen.any():
        return Applied(None, 0, changed=many, repeated=False)
    places = np.flatnonzero(chosen)

    def still(connection: Connection, image_ids: set[int]) -> set[int]:
        ids = match.ids[places]
        same = stand_in(connection, label_id, ids).kinds == np.asarray(match.kinds)[places]
        there = matching_in(connection, match.wanted, among=ids, but_sha256=match.hidden)
        return image_ids.intersection(ids[same & np.isin(ids, there, assume_unique=True)].tolist())

    scores = [None] * len(places) if match.scores is None else match.scores[places].tolist()
    result = record(
        ledger,
        key=key,
        author=author,
        decisions=[
            Decision(image_id, label_id, decision, score)
            for image_id, score in zip(match.ids[places].tolist(), scores, strict=True)
        ],
        hunt=match.hunt,
        encoder_id=match.encoder_id,
        still=still,
        request_sha256=request_sha256,
    )
    changed = 0 if result.repeated else many - result.applied - result.unchanged
    return Applied(result.batch_id, result.applied, changed, result.repeated)


def recorded(ledger: Ledger, key: str, *, request_sha256: str | None = None) -> Applied | None:
    """What was applied under this key, None if nothing was; KeyTaken if another request used it."""
    batch_id = batch_of_key(ledger, key, request_sha256=request_sha256)
    if batch_id is None:
        return None
    event = label_event
    images = select(func.count(event.c.image_id.distinct())).where(event.c.batch_id == batch_id)
    with ledger.read() as connection:
        return Applied(batch_id, int(connection.execute(images).scalar_one()), changed=0, repeated=True)
