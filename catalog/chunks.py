"""Chunks of files to embed: claimed with a lease, kept by heartbeats, finished under a fence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, update

from catalog import chunk_statements as statements
from catalog import tables
from catalog.chunk_statements import WORKED_ON
from catalog.kept_statements import changed_by, rows_from
from catalog.ledger import Ledger, clock, writing
from catalog.many_rows import insert_many
from catalog.places import PlaceToDo, note_bad
from catalog.plain_text import plain_text
from catalog.statements import packed, slices

ChunkStatus = Literal["go", "paused", "cancelled", "lost"]
LONGEST_TROUBLE = 2500  # characters: five machines may each name a path and a remedy
RENEW_AFTER = 1 / 8  # of a lease


class ChunkItem(NamedTuple):
    """A file of a chunk: `path` is relative to `root`; size in bytes and time as the scan saw them."""

    place_id: int
    source_id: int
    root: bytes
    path: bytes
    size: int
    mtime_ns: int


class Waiting(NamedTuple):
    """A chunk that may be claimed, in the order of the columns of `chunk_statements.WAITING`."""

    id: int
    job_id: int
    encoder_id: str
    fence: int
    attempts: int
    files: int
    source_id: int | None


@dataclass(frozen=True)
class ClaimedChunk:
    """A chunk that is this worker's while its lease lasts; `source_root` is empty in a job over several sources."""

    id: int
    job_id: int
    encoder_id: str
    fence: int
    attempts: int
    source_root: bytes
    labels_from_folders: bool
    items: list[ChunkItem]


@dataclass(frozen=True)
class OpenWork:
    """What waits and has no live lease: chunks, scans, shards that are not indexed, and changes for the index."""

    chunks: int
    scans: int
    shards: int
    changes: int


def add_chunks(
    where: Ledger | Connection, *, job_id: int, encoder_id: str, chunks: Sequence[Sequence[PlaceToDo]]
) -> list[int]:
    """Write chunks of places, ready to be claimed; returns their ids in the order given."""
    chunk = tables.chunk
    ids = []
    with writing(where) as connection:
        now = clock(connection)
        for places in chunks:
            values = {
                "job_id": job_id,
                "encoder_id": encoder_id,
                "state": "open",
                "files": len(places),
                "bytes": sum(place.size for place in places),
                "created_at": now,
            }
            chunk_id = connection.execute(insert(chunk).values(**values).returning(chunk.c.id)).scalar_one()
            ids.append(chunk_id)
            rows = [(chunk_id, place.place_id) for place in places]
            insert_many(connection, tables.chunk_place, ("chunk_id", "place_id"), rows)
    return ids


def claim_chunk(
    ledger: Ledger,
    *,
    worker: str,
    lease_s: float,
    encoder_ids: Sequence[str] | None = None,
    without_sources: Collection[int] = (),
    max_attempts: int = 4,
) -> ClaimedChunk | None:
    """The oldest open chunk, one that rested only after the others, or else one whose worker fell silent; or None.

    None that holds a file of `without_sources`, which this worker cannot read. A chunk that was tried `max_attempts`
    times fails instead: its files are reported as bad, each by name.
    """
    with ledger.write() as connection:
        while (row := _next(connection, encoder_ids, without_sources)) is not None:
            now = clock(connection)
            if row.attempts >= max_attempts:
                _give_up(connection, row, now)
                continue
            claim = {"fence": row.fence + 1, "attempts": row.attempts + 1}
            lease = {"state": "claimed", "worker": worker, "lease_until": now + lease_s}
            changed_by(connection, statements.UPDATE, {"of": row.id, **claim, **lease})
            return _claimed(connection, row)
    return None


def heartbeat_chunk(ledger: Ledger, chunk: ClaimedChunk, *, lease_s: float) -> ChunkStatus:
    """Learn what to do: go on, hand back (paused, cancelled), or drop it (lost); and prolong the lease in good time.

    To write it anew each second would make the disk write each second: an eighth of the lease may pass before.
    """
    ours = statements.ours(chunk.id, chunk.fence)
    with ledger.read() as connection:
        found = rows_from(connection, statements.OURS.look, ours)
        now = clock(connection)
    if not found:
        return "lost"
    lease_until, state = found[0]
    if lease_until < now + lease_s * (1 - RENEW_AFTER):
        with ledger.write() as connection:
            renewed = {**ours, "lease_until": clock(connection) + lease_s}
            if not changed_by(connection, statements.OURS.change, renewed):
                return "lost"
    if state in WORKED_ON:
        return "go"
    return "paused" if state == "paused" else "cancelled"


def hand_back(ledger: Ledger, chunk: ClaimedChunk, *, error: str | None = None, rest_s: float = 0.0) -> bool:
    """Open the chunk again without counting the attempt; False, and nothing written, if it is another worker's.

    `error`, why it could not be done, stands with its job until a chunk succeeds; nobody claims it for `rest_s`.
    """
    with ledger.write() as connection:
        rests_until = clock(connection) + rest_s if rest_s else 0.0
        values = {"state": "open", "worker": None, "lease_until": rests_until, "attempts": max(0, chunk.attempts - 1)}
        ours = statements.ours(chunk.id, chunk.fence)
        opened = changed_by(connection, statements.OURS.change, {**ours, **values})
        if opened and error is not None:
            _note_trouble(connection, tables.job.c.id == chunk.job_id, error)
    return opened == 1


def waiting_encoders(ledger: Ledger) -> list[str]:
    """The encoders that chunks wait for, that of the oldest chunk first: what has to be loaded before a claim."""
    chunk, job = tables.chunk, tables.job
    with ledger.read() as connection:
        query = (
            select(chunk.c.encoder_id)
            .join(job, job.c.id == chunk.c.job_id)
            .where(job.c.state.in_(WORKED_ON), _claimable(clock(connection)))
            .group_by(chunk.c.encoder_id)
            .order_by(func.min(chunk.c.id))
        )
        return list(connection.scalars(query))


def note_trouble(ledger: Ledger, *, encoder_id: str, error: str) -> None:
    """Write beside the jobs at work for an encoder why their chunks cannot be done at present."""
    with ledger.write() as connection:
        _note_trouble(connection, tables.job.c.encoder_id == encoder_id, error)


def end_trouble(connection: Connection, job_id: int) -> None:
    """A chunk of the job has succeeded: what kept the ones before it is over."""
    changed_by(connection, statements.END_TROUBLE, {"at_work": job_id})


def open_work(ledger: Ledger) -> OpenWork:
    """Count what the sweep has to wake somebody for."""
    chunk, job, shard, change = tables.chunk, tables.job, tables.shard, tables.index_change
    with ledger.read() as connection:
        now = clock(connection)
        waiting = (
            select(func.count())
            .select_from(chunk)
            .join(job, job.c.id == chunk.c.job_id)
            .where(job.c.state.in_(WORKED_ON), _claimable(now))
        )
        scans = select(func.count()).where(job.c.state == "scanning", job.c.scan_lease_until < now)
        shards = select(func.count()).where(shard.c.indexed_at.is_(None), shard.c.lease_until < now)
        changes = select(func.count()).select_from(change)
        counts = [int(connection.execute(query).scalar_one()) for query in (waiting, scans, shards, changes)]
    return OpenWork(*counts)


def lock_claimed(connection: Connection, chunk: ClaimedChunk) -> bool:
    """Lock the chunk's row until the transaction ends; False if another worker has it, or nobody."""
    return bool(rows_from(connection, statements.OURS.lock, statements.ours(chunk.id, chunk.fence)))


def holds_source(source_ids: Collection[int]) -> ColumnElement[bool]:
    """Whether a chunk, joined with its job, has a file of these sources; only a job over all of them is looked into."""
    chunk, job, member, place = tables.chunk, tables.job, tables.chunk_place, tables.place
    inside = (
        exists()
        .where(member.c.chunk_id == chunk.c.id, member.c.place_id == place.c.id, place.c.source_id.in_(source_ids))
        .correlate(chunk)
    )
    # A null is no id: `in_` alone would make the whole condition neither true nor false.
    named = and_(job.c.source_id.is_not(None), job.c.source_id.in_(source_ids))
    return or_(named, and_(job.c.source_id.is_(None), inside))


def _claimable(now: float) -> ColumnElement[bool]:
    """An open chunk's lease is a rest that it was given; a claimed one's is its worker's."""
    return tables.chunk.c.state.in_(("open", "claimed")) & (tables.chunk.c.lease_until < now)


def _note_trouble(connection: Connection, which: ColumnElement[bool], error: str) -> None:
    job = tables.job
    connection.execute(
        update(job)
        .where(which, job.c.state.in_((*WORKED_ON, "paused")))
        .values(error=plain_text(error, longest=LONGEST_TROUBLE))
    )


def _next(
    connection: Connection, encoder_ids: Sequence[str] | None, without_sources: Collection[int]
) -> Waiting | None:
    query = statements.WAITING if encoder_ids is None else statements.waiting_for(connection)
    asked = {"now": clock(connection)} | ({} if encoder_ids is None else {"encoders": packed(connection, encoder_ids)})
    # Fresh chunks first: one that ends its workers must not keep the others waiting.
    for which in ("open", "claimed"):
        if without_sources:
            others = query.where(~holds_source(without_sources))
            found = [tuple(row) for row in connection.execute(others, {**asked, "which": which})]
        else:
            found = list(rows_from(connection, query, {**asked, "which": which}))
        if found:
            return Waiting(*found[0])
    return None


def _claimed(connection: Connection, row: Waiting) -> ClaimedChunk:
    items = list(map(ChunkItem._make, rows_from(connection, statements.ITEMS, {"of": row.id})))
    root, labelled = b"", False
    if row.source_id is not None:
        [(root, labelled)] = rows_from(connection, statements.SOURCE, {"of": row.source_id})
    return ClaimedChunk(
        row.id, row.job_id, row.encoder_id, row.fence + 1, row.attempts + 1, bytes(root), bool(labelled), items
    )


def _give_up(connection: Connection, row: Waiting, now: float) -> None:
    chunk, member = tables.chunk, tables.chunk_place
    reason = f"gave up after {row.attempts} attempts: each time the worker ended before the chunk was done"
    connection.execute(
        update(chunk)
        .where(chunk.c.id == row.id)
        .values(state="failed", error=reason, bad=row.files, finished_at=now, fence=row.fence + 1, lease_until=0.0)
    )
    ids = connection.execute(select(member.c.place_id).where(member.c.chunk_id == row.id)).scalars()
    for part in slices(list(ids)):
        note_bad(connection, job_id=row.job_id, bad=[(place_id, "gave_up", reason) for place_id in part], now=now)
