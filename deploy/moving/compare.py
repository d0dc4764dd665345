"""Compares an installation with the one that it was moved to: every row of the ledger, and its vectors in the index."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import select

from catalog import tables
from catalog.artifacts import ArtifactStore
from catalog.embedded import locate
from catalog.encoders import Encoder, list_encoders
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from catalog.reconcile import Report, reconcile
from catalog.shards import Ids, Vectors, read_shard, vectors_of
from catalog.table_rows import tally_of

SAMPLE, QUERIES, NEAREST = 500, 20, 10
MOST_APART = 1e-6
# HNSW is approximate: it may miss one in a hundred, and of equal ones either may come first.
LEAST_SAME = 0.99
SAME_SCORE = 1e-5
VISIBLE_WITHIN_S = 15.0  # what was written in the last moments is searched a little later (Bounded consistency)


@dataclass(frozen=True)
class Compared:
    """What was compared and found equal, and in words what differs."""

    rows: int = 0
    label_events: int = 0
    vectors: int = 0
    sampled: int = 0
    apart: float = 0.0
    queries: int = 0
    same_answers: float = 1.0
    differences: tuple[str, ...] = ()


def compare(source: Ledger, target: Ledger, store: ArtifactStore, index: VectorIndex) -> Compared:
    """Compare every row, every image's place in the index, a sample of vectors, and the answers to some queries.

    Raises ShardDamaged, ArtifactMissing, IndexUnavailable.
    """
    found = _compare_rows(source, target)
    for encoder in list_encoders(source):
        report = reconcile(source, store, index, encoder_id=encoder.id, repair=False)
        found = _with(found, *_told(report, encoder))
        held = index.count(encoder.collection) if report.images else 0
        if held != report.images:
            found = _with(found, f"the index holds {held:,} vectors of {encoder.name}, the ledger {report.images:,}")
        found = replace(found, vectors=found.vectors + report.images)
        ids = _drawn(source, encoder)
        if not len(ids):
            continue
        apart, same = _apart(source, store, index, encoder, ids), _same_answers(source, store, index, encoder, ids)
        if apart > MOST_APART:
            found = _with(found, f"a vector of {encoder.name} is {apart:.2g} off")
        if same < LEAST_SAME:
            found = _with(found, f"{same:.1%} of the nearest {NEAREST} are the same for {encoder.name}")
        found = replace(
            found,
            sampled=found.sampled + len(ids),
            apart=max(found.apart, apart),
            queries=found.queries + min(QUERIES, len(ids)),
            same_answers=min(found.same_answers, same),
        )
    return found


def _with(found: Compared, *differences: str) -> Compared:
    return replace(found, differences=(*found.differences, *differences))


def _compare_rows(source: Ledger, target: Ledger) -> Compared:
    rows, differences, events = 0, [], 0
    with source.snapshot() as old, target.snapshot() as new:
        for table in tables.metadata.sorted_tables:
            one, other = tally_of(old, table), tally_of(new, table)
            if one.rows != other.rows:
                differences.append(f"{table.name} has {other.rows:,} rows and not {one.rows:,}")
            elif one.sha256 != other.sha256:
                differences.append(f"some of the {one.rows:,} rows of {table.name} are others")
            rows += one.rows
            events = one.rows if table is tables.label_event else events
    return Compared(rows=rows, label_events=events, differences=tuple(differences))


def _told(report: Report, encoder: Encoder) -> Iterator[str]:
    for name in ("missing_in_index", "extra_in_index", "stale_labels", "missing_shards", "damaged_shards"):
        if number := getattr(report, name):
            yield f"{encoder.name}: {number:,} {name.replace('_', ' ')}"


def _drawn(source: Ledger, encoder: Encoder) -> Ids:
    """Images of the encoder by chance, the same ones each time."""
    embedding, image = tables.embedding, tables.image
    query = (
        select(embedding.c.image_id)
        .join(image, image.c.id == embedding.c.image_id)
        .where(embedding.c.encoder_id == encoder.id, image.c.deleted_at.is_(None))
        .order_by(embedding.c.image_id)
    )
    with source.read() as connection:
        ids = np.fromiter(connection.scalars(query), np.int64)
    return np.sort(np.random.default_rng(0).permutation(ids)[:SAMPLE])


def _vectors(source: Ledger, store: ArtifactStore, encoder: Encoder, ids: Ids) -> Vectors:
    found = vectors_of(store, locate(source, encoder_id=encoder.id, image_ids=ids.tolist()))
    return np.stack([found[one] for one in ids.tolist()])


def _apart(source: Ledger, store: ArtifactStore, index: VectorIndex, encoder: Encoder, ids: Ids) -> float:
    """The largest difference of a number of the sampled vectors."""
    rows = index.fetch(encoder.collection, ids.tolist(), vectors=True)
    if rows.vectors is None or not np.array_equal(rows.ids, ids):
        return float("inf")
    return float(np.abs(rows.vectors - _vectors(source, store, encoder, ids)).max())


def _same_answers(source: Ledger, store: ArtifactStore, index: VectorIndex, encoder: Encoder, ids: Ids) -> float:
    """The share of the true nearest images that the index finds for some of the images."""
    queries = _vectors(source, store, encoder, ids[:QUERIES])
    right = list(_exact(source, store, encoder, queries))
    until = time.monotonic() + VISIBLE_WITHIN_S
    while True:
        answers = index.search(encoder.collection, queries, limit=NEAREST)
        same = sum(
            int(np.sum(np.isin(answer.ids, ids_) | (answer.scores >= scores[-1] - SAME_SCORE)))
            for answer, (ids_, scores) in zip(answers, right, strict=True)
        )
        share = same / sum(len(ids_) for ids_, _ in right)
        if share >= LEAST_SAME or time.monotonic() > until:
            return min(share, 1.0)
        time.sleep(0.5)


def _exact(source: Ledger, store: ArtifactStore, encoder: Encoder, queries: Vectors) -> Sequence[tuple[Ids, Vectors]]:
    """The nearest of all images that are there, for each query: ids and scores, the best first; shard by shard."""
    shard, embedding, image = tables.shard, tables.embedding, tables.image
    best = [(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries]
    with source.read() as connection:
        query = select(shard.c.id, shard.c.key, shard.c.sha256).where(shard.c.encoder_id == encoder.id)
        for row in connection.execute(query.order_by(shard.c.id)).all():
            there = (
                select(embedding.c.row)
                .join(image, image.c.id == embedding.c.image_id)
                .where(embedding.c.shard_id == row.id, image.c.deleted_at.is_(None))
            )
            rows = np.fromiter(connection.scalars(there), np.int64)
            content = read_shard(store, row.key, row.sha256)
            scores = queries @ content.vectors[rows].T
            for at, (ids, held) in enumerate(best):
                ids, held = np.concatenate([ids, content.ids[rows]]), np.concatenate([held, scores[at]])
                order = np.argsort(-held, kind="stable")[:NEAREST]
                best[at] = ids[order], held[order]
    return best
