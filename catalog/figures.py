"""The figures that an installation is watched by, from the ledger alone and cheap enough to be asked for every few
seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from catalog import tables
from catalog.chunk_statements import WORKED_ON
from catalog.encoders import Encoder, serving_encoder
from catalog.gangs import count_waiting
from catalog.images import Counts, count_images
from catalog.ledger import Ledger, clock
from catalog.runs import Run, list_runs
from catalog.workers import WorkerRow, list_workers

CHUNK_STATES = ("open", "claimed", "done", "failed")
MOST_REASONS = 40
RUNS_LOOKED_AT = 50
FORGOTTEN_AFTER_S = 120.0  # a worker that fell silent is seen with its age until the sweep forgets it
_REASON = re.compile(r"[a-z][a-z_]{0,31}")


@dataclass(frozen=True)
class Queue:
    """What of a queue's work is not done, in chunks, shards or runs; `oldest_s`, the age of the oldest, where known."""

    name: str
    open: int
    oldest_s: float | None


@dataclass(frozen=True)
class Figures:
    """`embedded` images have a vector of the serving encoder, `indexed` of them should be in its collection.

    `chunk_failures`: gave_up, chunks that ended their workers each time; worker_lost, claims that came to nothing.
    `bad_files`: reason -> files. `changes`: rows of the index whose labels are out of date. `now`: the ledger's clock.
    """

    now: float
    counts: Counts
    serving: Encoder | None
    embedded: int
    indexed: int
    chunks: Mapping[str, int]
    chunk_failures: Mapping[str, int]
    bad_files: Mapping[str, int]
    changes: int
    queues: tuple[Queue, ...]
    workers: tuple[WorkerRow, ...]
    runs: tuple[Run, ...]


def figures(ledger: Ledger) -> Figures:
    """Read them all, not at one moment: nobody compares them to the last one."""
    serving = serving_encoder(ledger)
    with ledger.read() as connection:
        now = clock(connection)
        embedded, indexed = _vectors(connection, serving.id) if serving else (0, 0)
        chunks = _chunks(connection)
        failures = {"gave_up": chunks["failed"], "worker_lost": _lost(connection)}
        bad = _bad_files(connection)
        changes = int(connection.execute(select(func.count()).select_from(tables.index_change)).scalar_one())
        queues = [_embed_queue(connection, now), _index_queue(connection, now)]
    return Figures(
        now=now,
        counts=count_images(ledger),
        serving=serving,
        embedded=embedded,
        indexed=indexed,
        chunks=chunks,
        chunk_failures=failures,
        bad_files=bad,
        changes=changes,
        queues=(*queues, Queue("train", count_waiting(ledger), None)),
        workers=tuple(list_workers(ledger, alive_within_s=FORGOTTEN_AFTER_S)),
        runs=tuple(run for run in list_runs(ledger, limit=RUNS_LOOKED_AT) if run.state in ("running", "paused")),
    )


def _vectors(connection: Connection, encoder_id: str) -> tuple[int, int]:
    """Images with a vector of this encoder, and those of them whose shard the index has: no row is looked at but for
    the few shards that wait."""
    embedding, shard = tables.embedding, tables.shard
    embedded = select(func.count()).where(embedding.c.encoder_id == encoder_id)
    waiting = select(shard.c.id).where(shard.c.encoder_id == encoder_id, shard.c.indexed_at.is_(None))
    not_yet = select(func.count()).where(embedding.c.shard_id.in_(waiting))
    total = int(connection.execute(embedded).scalar_one())
    return total, total - int(connection.execute(not_yet).scalar_one())


def _chunks(connection: Connection) -> dict[str, int]:
    chunk = tables.chunk
    rows = connection.execute(select(chunk.c.state, func.count()).group_by(chunk.c.state))
    return {**dict.fromkeys(CHUNK_STATES, 0), **{state: int(count) for state, count in rows}}


def _lost(connection: Connection) -> int:
    """Claims beyond the first of each chunk; one that was handed back in order is not counted in `attempts`."""
    chunk = tables.chunk
    query = select(func.coalesce(func.sum(chunk.c.attempts - 1), 0)).where(chunk.c.attempts > 1)
    return int(connection.execute(query).scalar_one())


def _bad_files(connection: Connection) -> dict[str, int]:
    """By reason; the reasons are our own words, and this keeps it so whatever a later version writes."""
    table = tables.bad_file
    counted = func.count()
    rows = connection.execute(select(table.c.kind, counted).group_by(table.c.kind).order_by(counted.desc()))
    found: dict[str, int] = {}
    for kind, count in rows:
        reason = kind if _REASON.fullmatch(kind) and len(found) < MOST_REASONS else "other"
        found[reason] = found.get(reason, 0) + int(count)
    return found


def _embed_queue(connection: Connection, now: float) -> Queue:
    chunk, job = tables.chunk, tables.job
    since = func.min(func.coalesce(chunk.c.created_at, job.c.created_at))
    query = (
        select(func.count(), since)
        .select_from(chunk)
        .join(job, job.c.id == chunk.c.job_id)
        .where(chunk.c.state.in_(("open", "claimed")), job.c.state.in_(WORKED_ON))
    )
    count, oldest = connection.execute(query).one()
    return Queue("embed", int(count), _age(oldest, now))


def _index_queue(connection: Connection, now: float) -> Queue:
    shard = tables.shard
    query = select(func.count(), func.min(shard.c.created_at)).where(shard.c.indexed_at.is_(None))
    count, oldest = connection.execute(query).one()
    return Queue("index", int(count), _age(oldest, now))


def _age(since: float | None, now: float) -> float | None:
    return None if since is None else max(0.0, now - since)
