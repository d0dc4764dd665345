"""Labels suggested for unlabelled images by their labelled neighbours; a suggestion is shown, never recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select

from catalog.artifacts import ArtifactStore
from catalog.embedded import locate
from catalog.labels import labelled_images
from catalog.ledger import Ledger
from catalog.shards import vectors_of
from catalog.tables import label, label_event

Vectors = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]

NEIGHBOURS = 10
LABELLED_KEPT = 5_000  # 60 results against as many take 8 ms of one core, against 20,000 32 ms; evenly per label
QUERIES_AT_ONCE = 256  # bounds the similarities held at once to 20 MB
RETRY_MISSING_S = 5.0  # labelled images that this encoder has not embedded yet are looked for again


@dataclass(frozen=True)
class Suggestion:
    """The label that the nearest labelled images have; `share`, 0 to 1, is the part of their similarity behind it."""

    label_id: int
    name: str
    colour: str
    share: float


@dataclass(frozen=True)
class Labelled:
    """The labelled images of one encoder, as of one label event."""

    encoder_id: str
    event_id: int
    ids: Ids  # (m,), ascending
    vectors: Vectors  # (m, d), unit rows
    codes: npt.NDArray[np.int64]  # (m, w): places in label_ids of each image's labels, filled up with len(label_ids)
    label_ids: Ids  # (n,)
    missing: int
    read_at: float = field(default_factory=time.monotonic)


class Suggester:
    """Keeps the labelled vectors in memory and reads what is new when the ledger has a newer label event."""

    def __init__(self, ledger: Ledger, store: ArtifactStore, *, kept: int = LABELLED_KEPT) -> None:
        self._ledger = ledger
        self._store = store
        self._kept = kept
        self._labelled: Labelled | None = None
        self._refreshing = threading.Lock()

    def suggest(
        self, *, encoder_id: str, image_ids: Sequence[int], refused: Mapping[int, Collection[int]] | None = None
    ) -> dict[int, Suggestion]:
        """Suggestions for the images that have a vector of this encoder and labelled neighbours at all.

        `refused` holds the labels that somebody has said an image is not: image id -> label ids.
        """
        if not image_ids:
            return {}
        known = self._current(encoder_id)
        if not len(known.ids):
            return {}
        ids, vectors = self._vectors(encoder_id, image_ids)
        if not len(ids):
            return {}
        votes = np.concatenate(
            [
                neighbours_votes(vectors[start : start + QUERIES_AT_ONCE], known)
                for start in range(0, len(ids), QUERIES_AT_ONCE)
            ]
        )
        column = {int(label_id): position for position, label_id in enumerate(known.label_ids)}
        for row, image_id in enumerate(ids):
            for label_id in (refused or {}).get(int(image_id), ()):
                if label_id in column:
                    votes[row, column[label_id]] = 0.0
        best = votes.argmax(axis=1)
        shares = votes[np.arange(len(ids)), best]
        named = self._names({int(known.label_ids[position]) for position in best})
        return {
            int(image_id): Suggestion(label_id, *named[label_id], share=float(share))
            for image_id, label_id, share in zip(ids, known.label_ids[best].tolist(), shares, strict=True)
            if share > 0 and label_id in named
        }

    def _current(self, encoder_id: str) -> Labelled:
        """What is labelled now; what was labelled just before, while another thread reads the news."""
        with self._ledger.read() as connection:
            newest = int(connection.execute(select(func.max(label_event.c.id))).scalar_one_or_none() or 0)
        have = self._labelled
        if have is not None and is_current(have, encoder_id=encoder_id, event_id=newest):
            return have
        usable = have is not None and have.encoder_id == encoder_id
        if not self._refreshing.acquire(blocking=not usable):
            return cast(Labelled, have)
        try:
            have = self._labelled
            if have is None or not is_current(have, encoder_id=encoder_id, event_id=newest):
                have = self._labelled = self._read(encoder_id, event_id=newest, before=have)
            return have
        finally:
            self._refreshing.release()

    def _read(self, encoder_id: str, *, event_id: int, before: Labelled | None) -> Labelled:
        """Read which images are labelled, and from the shards the vectors that are not in memory yet."""
        with self._ledger.read() as connection:
            labels = int(connection.execute(select(func.count()).select_from(label)).scalar_one())
        pairs = labelled_images(self._ledger, limit_per_label=max(1, self._kept // max(1, labels)))
        labels_of: dict[int, list[int]] = {}
        for image_id, label_id in pairs:
            labels_of.setdefault(image_id, []).append(label_id)
        wanted = np.array(sorted(labels_of), dtype=np.int64)

        known_ids, known = np.empty(0, np.int64), np.empty((0, 0), np.float32)
        if before is not None and before.encoder_id == encoder_id:
            kept = np.isin(before.ids, wanted, assume_unique=True)
            known_ids, known = before.ids[kept], before.vectors[kept]
        new_ids, new = self._vectors(encoder_id, np.setdiff1d(wanted, known_ids, assume_unique=True).tolist())
        ids = np.concatenate([known_ids, new_ids])
        vectors = new if not len(known_ids) else known if not len(new_ids) else np.concatenate([known, new])
        order = np.argsort(ids)
        ids, vectors = ids[order], np.ascontiguousarray(vectors[order])

        label_ids = np.unique(np.array([label_id for _, label_id in pairs], dtype=np.int64))
        position = {int(label_id): place for place, label_id in enumerate(label_ids)}
        width = max((len(labels_of[int(image_id)]) for image_id in ids), default=1)
        codes = np.full((len(ids), width), len(label_ids), dtype=np.int64)
        for row, image_id in enumerate(ids.tolist()):
            for place, label_id in enumerate(labels_of[image_id]):
                codes[row, place] = position[label_id]
        return Labelled(encoder_id, event_id, ids, vectors, codes, label_ids, missing=len(wanted) - len(ids))

    def _vectors(self, encoder_id: str, image_ids: Sequence[int]) -> tuple[Ids, Vectors]:
        """The vectors of those of the images that have one: ids (n,) ascending, vectors (n, d)."""
        located = locate(self._ledger, encoder_id=encoder_id, image_ids=image_ids)
        found = vectors_of(self._store, located)
        ids = np.array(sorted(found), dtype=np.int64)
        if not len(ids):
            return ids, np.empty((0, 0), np.float32)
        return ids, np.stack([found[image_id] for image_id in ids.tolist()])

    def _names(self, label_ids: set[int]) -> dict[int, tuple[str, str]]:
        """Names and colours, read anew each time: a renamed label has no event."""
        query = select(label.c.id, label.c.name, label.c.colour).where(label.c.id.in_(sorted(label_ids)))
        with self._ledger.read() as connection:
            return {int(row.id): (row.name, row.colour) for row in connection.execute(query)}


def is_current(have: Labelled, *, encoder_id: str, event_id: int) -> bool:
    """Whether nothing has been labelled since, nor may be found that was missing."""
    if have.encoder_id != encoder_id or have.event_id != event_id:
        return False
    return not have.missing or time.monotonic() - have.read_at < RETRY_MISSING_S


def neighbours_votes(vectors: Vectors, known: Labelled) -> Vectors:
    """For each of (q, d) unit rows, the share of each label, (q, n), in the similarity of its nearest labelled images.

    A neighbour speaks for each of its labels with its cosine similarity; one that points away has no say.
    """
    queries, labels = len(vectors), len(known.label_ids)
    similarities = vectors @ known.vectors.T
    k = min(NEIGHBOURS, len(known.ids))
    nearest = np.argpartition(similarities, -k, axis=1)[:, -k:]
    weights = np.maximum(np.take_along_axis(similarities, nearest, axis=1), 0.0)
    codes = known.codes[nearest]  # (q, k, w)
    cells = np.arange(queries)[:, None, None] * (labels + 1) + codes
    spoken = np.bincount(
        cells.ravel(),
        weights=np.broadcast_to(weights[:, :, None], codes.shape).ravel(),
        minlength=queries * (labels + 1),
    )
    votes = spoken.reshape(queries, labels + 1)[:, :labels]
    total = weights.sum(axis=1, keepdims=True)
    shares: Vectors = np.divide(votes, total, out=np.zeros_like(votes), where=total > 0).astype(np.float32)
    return shares
