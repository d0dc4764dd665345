"""Which workers see nothing of a source on their machines, and what its jobs say when none of them does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, or_, select, update

from catalog import tables
from catalog.chunk_statements import WORKED_ON
from catalog.chunks import holds_source
from catalog.ledger import Ledger, clock
from catalog.plain_text import plain_text
from catalog.statements import insert_or

QUEUE = "embed"
HOSTS_SHOWN = 5


@dataclass(frozen=True)
class Unreadable:
    """A source that a live worker cannot read; `reason` names the path on its host, and the remedy."""

    worker: str
    host: str
    source_id: int
    source: str
    reason: str
    since: float


def note_unreadable(ledger: Ledger, *, worker: str, source_id: int, reason: str) -> None:
    """A worker has found that it cannot read a source."""
    table = tables.unreadable_source
    said = plain_text(reason)
    with ledger.write() as connection:
        values = {"worker": worker, "source_id": source_id, "reason": said, "since": clock(connection)}
        statement = insert_or(connection, table).values(**values)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["worker", "source_id"], set_={"reason": said})
        )


def forget_unreadable(ledger: Ledger, *, worker: str, source_id: int) -> None:
    """A worker can read a source again."""
    table = tables.unreadable_source
    with ledger.write() as connection:
        connection.execute(delete(table).where(table.c.worker == worker, table.c.source_id == source_id))


def list_unreadable(ledger: Ledger, *, alive_within_s: float) -> list[Unreadable]:
    """What the live workers cannot read, by source and worker."""
    with ledger.read() as connection:
        return [Unreadable(**row._mapping) for row in connection.execute(_of_the_living(connection, alive_within_s))]


def left_to_others(
    ledger: Ledger, *, worker: str, source_ids: Collection[int], alive_within_s: float
) -> frozenset[int]:
    """Those of the sources that another live worker may read: one that has not said the contrary."""
    if not source_ids:
        return frozenset()
    with ledger.read() as connection:
        others = _living(connection, alive_within_s) - {worker}
        blind = _blind(connection, alive_within_s)
    return frozenset(source_id for source_id in source_ids if others - blind.get(source_id, {}).keys())


def nobody_reads(said: Collection[str]) -> str:
    """What a job says while it waits for somebody who can read its source; `said` is what each host says."""
    shown = list(said)[:HOSTS_SHOWN]
    more = f" And {len(said) - len(shown)} more machines." if len(said) > len(shown) else ""
    return f"no machine that embeds can read this source now; the job goes on when one can. {'; '.join(shown)}{more}"


def tell_jobs(ledger: Ledger, *, alive_within_s: float) -> int:
    """Write beside the jobs that wait for a source that no live worker can read why they do; how many that are new."""
    job, chunk = tables.job, tables.chunk
    told = 0
    with ledger.read() as connection:
        blind, living = _blind(connection, alive_within_s), _living(connection, alive_within_s)
    for source_id, workers in blind.items():
        if living - workers.keys():
            continue
        said = nobody_reads(sorted({f"{host}: {reason}" for host, reason in workers.values()}))
        waiting = (
            select(job.c.id)
            .join(chunk, chunk.c.job_id == job.c.id)
            .where(job.c.state.in_(WORKED_ON), chunk.c.state == "open", holds_source([source_id]))
            .distinct()
        )
        with ledger.write() as connection:
            ids = list(connection.execute(waiting).scalars())
            news = update(job).where(job.c.id.in_(ids), or_(job.c.error.is_(None), job.c.error != said))
            told += connection.execute(news.values(error=said)).rowcount
    return told


def _living(connection: Connection, alive_within_s: float) -> set[str]:
    return set(connection.execute(select(tables.worker.c.name).where(_alive(connection, alive_within_s))).scalars())


def _blind(connection: Connection, alive_within_s: float) -> dict[int, dict[str, tuple[str, str]]]:
    """Source -> worker -> its host and reason."""
    found: dict[int, dict[str, tuple[str, str]]] = {}
    for row in connection.execute(_of_the_living(connection, alive_within_s)):
        found.setdefault(row.source_id, {})[row.worker] = (row.host, row.reason)
    return found


def _of_the_living(connection: Connection, alive_within_s: float) -> Select[Any]:
    table, worker, source = tables.unreadable_source, tables.worker, tables.source
    columns = (table.c.worker, worker.c.host, table.c.source_id, source.c.name.label("source"), table.c.reason)
    return (
        select(*columns, table.c.since)
        .join(worker, worker.c.name == table.c.worker)
        .join(source, source.c.id == table.c.source_id)
        .where(_alive(connection, alive_within_s), source.c.deleted_at.is_(None))
        .order_by(table.c.source_id, table.c.worker)
    )


def _alive(connection: Connection, alive_within_s: float) -> Any:
    worker = tables.worker
    return and_(worker.c.queues == QUEUE, worker.c.heartbeat_at >= clock(connection) - alive_within_s)
