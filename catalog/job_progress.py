"""How far a job is: sums over its chunks, shards and bad files, never over its other files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from catalog import tables
from catalog.errors import UnknownJob
from catalog.ledger import Ledger, clock

# The speed is that of the last minute: a pause, a slow disk or a second worker shows soon.
WINDOW_S = 60.0
# The first chunk is a small one, and brings the loading of the network with it: its speed tells nothing of the rest.
TELLING_SHARE, TELLING_FILES = 0.1, 1000
ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class JobProgress:
    """A job in numbers. Counts are of files, `indexed` of images; times in seconds.

    total = known + files in chunks; done = known + files in finished chunks, bad ones included. `searchable`: the job
    has ended and all that it embedded is in the index. `seconds_left` is None while nothing tells it.
    """

    id: int
    kind: str
    state: str
    source_id: int | None
    source_name: str | None
    encoder_id: str
    scanned: int
    total: int
    done: int
    embedded: int
    known: int
    bad: int
    indexed: int
    images_per_s: float
    seconds_left: float | None
    created_at: float
    finished_at: float | None
    error: str | None
    searchable: bool


@dataclass(frozen=True)
class BadFile:
    """A file that a job could not use; `path` is relative to its source."""

    path: bytes
    kind: str
    reason: str
    at: float


def job_progress(ledger: Ledger, job_id: int) -> JobProgress:
    """The progress of one job; UnknownJob."""
    with ledger.read() as connection:
        rows = connection.execute(_jobs().where(tables.job.c.id == job_id)).all()
        if not rows:
            raise UnknownJob(job_id)
        return _progress(connection, rows)[0]


def list_jobs(ledger: Ledger, limit: int = 50) -> list[JobProgress]:
    """The progress of the newest jobs, newest first."""
    with ledger.read() as connection:
        return _progress(connection, connection.execute(_jobs().order_by(tables.job.c.id.desc()).limit(limit)).all())


def bad_files(ledger: Ledger, job_id: int, limit: int, offset: int = 0) -> list[BadFile]:
    """The files that a job could not use, in the order in which they were met."""
    table = tables.bad_file
    query = select(table).where(table.c.job_id == job_id).order_by(table.c.id).limit(limit).offset(offset)
    with ledger.read() as connection:
        return [BadFile(bytes(row.path), row.kind, row.reason, row.at) for row in connection.execute(query)]


def _jobs() -> Any:
    job, source = tables.job, tables.source
    return select(job, source.c.name.label("source_name")).outerjoin(source, source.c.id == job.c.source_id)


def _progress(connection: Connection, jobs: Sequence[Row[Any]]) -> list[JobProgress]:
    now = clock(connection)
    ids = [row.id for row in jobs]
    chunks = _chunks(connection, ids, now)
    shards = _shards(connection, ids)
    bad = _bad(connection, ids)
    return [_of(row, chunks.get(row.id), shards.get(row.id), bad.get(row.id, 0), now) for row in jobs]


def _chunks(connection: Connection, job_ids: Sequence[int], now: float) -> dict[int, Any]:
    chunk = tables.chunk
    finished = chunk.c.finished_at.is_not(None)
    lately = chunk.c.finished_at >= now - WINDOW_S
    query = (
        select(
            chunk.c.job_id,
            func.sum(chunk.c.files).label("files"),
            func.sum(case((finished, chunk.c.files), else_=0)).label("finished"),
            func.sum(case((lately, chunk.c.files), else_=0)).label("lately"),
            func.sum(chunk.c.embedded).label("embedded"),
            func.sum(chunk.c.known).label("known"),
        )
        .where(chunk.c.job_id.in_(job_ids))
        .group_by(chunk.c.job_id)
    )
    return {row.job_id: row for row in connection.execute(query)}


def _shards(connection: Connection, job_ids: Sequence[int]) -> dict[int, Any]:
    chunk, shard = tables.chunk, tables.shard
    query = (
        select(
            chunk.c.job_id,
            func.sum(case((shard.c.indexed_at.is_not(None), shard.c.rows), else_=0)).label("indexed"),
            func.sum(case((shard.c.indexed_at.is_(None), 1), else_=0)).label("waiting"),
        )
        .join(shard, shard.c.chunk_id == chunk.c.id)
        .where(chunk.c.job_id.in_(job_ids))
        .group_by(chunk.c.job_id)
    )
    return {row.job_id: row for row in connection.execute(query)}


def _bad(connection: Connection, job_ids: Sequence[int]) -> dict[int, int]:
    """As many as the list of the job's bad files has: folders that could not be listed are in no chunk."""
    table = tables.bad_file
    query = select(table.c.job_id, func.count()).where(table.c.job_id.in_(job_ids)).group_by(table.c.job_id)
    return {job_id: int(count) for job_id, count in connection.execute(query)}


def _of(job: Row[Any], chunks: Any, shards: Any, bad: int, now: float) -> JobProgress:
    files, finished = (int(chunks.files), int(chunks.finished)) if chunks else (0, 0)
    speed = 0.0
    if chunks and job.started_at is not None and job.state != "paused":
        if job.finished_at is not None:
            speed = finished / max(job.finished_at - job.started_at, 1e-3)
        else:
            speed = int(chunks.lately) / max(min(now - job.started_at, WINDOW_S), 1e-3)
    left = None
    if job.state in ENDED or (job.state == "running" and finished == files):
        left = 0.0
    elif job.state == "running" and speed > 0 and finished >= min(TELLING_SHARE * files, TELLING_FILES):
        left = (files - finished) / speed
    return JobProgress(
        id=job.id,
        kind=job.kind,
        state=job.state,
        source_id=job.source_id,
        source_name=job.source_name,
        encoder_id=job.encoder_id,
        scanned=job.scanned,
        total=job.known + files,
        done=job.known + finished,
        embedded=int(chunks.embedded) if chunks else 0,
        known=job.known + (int(chunks.known) if chunks else 0),
        bad=bad,
        indexed=int(shards.indexed) if shards else 0,
        images_per_s=round(speed, 2),
        seconds_left=left,
        created_at=job.created_at,
        finished_at=job.finished_at,
        error=job.error,
        searchable=job.state in ENDED and not (shards and shards.waiting),
    )
