"""What a map shows: the points of images that are there, each with its labels, between -1 and 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import select

from catalog.artifacts import ArtifactStore
from catalog.hits import Hit, describe_images
from catalog.label_pairs import label_pairs
from catalog.labels import Label, list_labels
from catalog.ledger import Ledger
from catalog.maps import Positions, load_points
from catalog.search_filter import SearchFilter
from catalog.shards import Ids
from catalog.tables import image
from curate.review_others import read_vectors


@dataclass(frozen=True)
class Mapped:
    """Images (n,), positions (n, 2 or 3), and for each image the places of its labels in `labels`."""

    ids: Ids
    positions: Positions
    of: list[list[int]]
    labels: list[Label]


def mapped(ledger: Ledger, store: ArtifactStore, map_id: str) -> Mapped:
    """A map as it is to be shown now: labels are read anew, deleted images are left out. Raises MapNotReady."""
    ids, positions = load_points(store, map_id)
    with ledger.read() as connection:
        gone = list(connection.scalars(select(image.c.id).where(image.c.deleted_at.is_not(None))))
    there = ~np.isin(ids, gone)
    ids, positions = ids[there], scaled(positions[there])
    of: list[list[int]] = [[] for _ in range(len(ids))]
    image_ids, label_ids = label_pairs(ledger)
    shown = np.isin(image_ids, ids)
    used = set(label_ids[shown].tolist())
    labels = [row.label for row in list_labels(ledger) if row.label.id in used]
    place = {label.id: at for at, label in enumerate(labels)}
    order = np.argsort(ids, kind="stable")
    at = order[np.searchsorted(ids, image_ids[shown], sorter=order)]
    for row, label_id in zip(at.tolist(), label_ids[shown].tolist(), strict=True):
        if label_id in place:
            of[row].append(place[label_id])
    return Mapped(ids, positions, of, labels)


def scaled(positions: Positions) -> Positions:
    """The same map, its middle at 0 and its farthest coordinate at 1; none of its distances is stretched."""
    if not len(positions):
        return positions
    low, high = positions.min(axis=0), positions.max(axis=0)
    half = float((high - low).max()) / 2 or 1.0
    moved: Positions = ((positions - (low + high) / 2) / half).astype(np.float32)
    return moved


def look_at(ledger: Ledger, store: ArtifactStore, images: Ids, *, encoder_id: str) -> list[Hit]:
    """Those of the images that are there, most like the middle of all first, with the cosine to it as their score."""
    ids, vectors = read_vectors(ledger, store, np.unique(images), encoder_id=encoder_id)
    middle = vectors.sum(axis=0)
    scores = vectors @ (middle / max(float(np.linalg.norm(middle)), 1e-12))
    order = np.argsort(-scores, kind="stable")
    scored = [(int(ids[row]), float(scores[row])) for row in order]
    return describe_images(ledger, scored, SearchFilter())
