"""Which workers are alive, where they run, what they are and what they do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, select, update

from catalog import tables
from catalog.clock_ahead import least_ahead
from catalog.ledger import Ledger, clock
from catalog.statements import any_of_text, insert_or


@dataclass(frozen=True)
class WorkerRow:
    """A worker as it last announced itself; `images` is how many it has embedded since it started.

    `encoder_id` is the one that it embedded with last, `images_per_s` its speed in the last minute, `clock_ahead_s`
    how far its machine's clock is before the ledger's. None: it has not said.
    """

    name: str
    queues: str
    host: str
    pid: int
    device: str
    doing: str | None
    images: int
    started_at: float
    heartbeat_at: float
    version: str | None
    encoder_id: str | None
    gpu: str | None
    images_per_s: float | None
    clock_ahead_s: float | None


def announce(
    ledger: Ledger,
    *,
    name: str,
    queues: str,
    host: str,
    pid: int,
    device: str,
    started_at: float | None = None,
    version: str | None = None,
    gpu: str | None = None,
) -> float:
    """A worker has started, now or at `started_at`, which is returned."""
    with ledger.write() as connection:
        now = clock(connection)
        values: dict[str, Any] = {
            "queues": queues,
            "host": host,
            "pid": pid,
            "device": device,
            "doing": None,
            "images": 0,
            "started_at": now if started_at is None else started_at,
            "heartbeat_at": now,
            "version": version,
            "gpu": gpu,
            "clock_ahead_s": _ahead(connection),
        }
        statement = insert_or(connection, tables.worker).values(name=name, **values)
        values["heartbeat_at"] = _not_before(now)
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
        return float(values["started_at"])


def beat(
    ledger: Ledger,
    name: str,
    *,
    doing: str | None,
    images: int,
    images_per_s: float = 0.0,
    encoder_id: str | None = None,
) -> bool:
    """A worker lives, and says what it does; False if it was forgotten and has to announce itself again."""
    with ledger.write() as connection:
        known = connection.execute(
            update(tables.worker)
            .where(tables.worker.c.name == name)
            .values(
                doing=doing,
                images=images,
                images_per_s=images_per_s,
                encoder_id=encoder_id,
                clock_ahead_s=_ahead(connection),
                heartbeat_at=_not_before(clock(connection)),
            )
        )
        return known.rowcount == 1


def list_workers(ledger: Ledger, alive_within_s: float) -> list[WorkerRow]:
    """The workers that gave a sign of life within so many seconds, by name."""
    table = tables.worker
    with ledger.read() as connection:
        since = clock(connection) - alive_within_s
        rows = connection.execute(select(table).where(table.c.heartbeat_at >= since).order_by(table.c.name))
        return [WorkerRow(**row._mapping) for row in rows]


def forget(ledger: Ledger, name: str) -> None:
    """A worker has ended."""
    with ledger.write() as connection:
        connection.execute(delete(tables.worker).where(tables.worker.c.name == name))
        connection.execute(delete(tables.unreadable_source).where(tables.unreadable_source.c.worker == name))


def forget_silent(ledger: Ledger, *, after_s: float) -> dict[str, float]:
    """Forget the workers that gave no sign of life for so long: name -> seconds of silence, by the ledger's clock."""
    table = tables.worker
    with ledger.write() as connection:
        now = clock(connection)
        silent = delete(table).where(table.c.heartbeat_at < now - after_s)
        gone = {
            row.name: now - row.heartbeat_at
            for row in connection.execute(silent.returning(table.c.name, table.c.heartbeat_at))
        }
        unreadable = tables.unreadable_source
        connection.execute(delete(unreadable).where(unreadable.c.worker.in_(any_of_text(connection, gone))))
        return gone


def _not_before(now: float) -> ColumnElement[float]:
    """A beat, which is never moved back: one from the future is how the sweep knows that the clock was set back."""
    last = tables.worker.c.heartbeat_at
    return case((last > now, last), else_=now)


def _ahead(connection: Connection) -> float:
    """Of this machine's clock, before the ledger's."""
    before = time.time()
    there = clock(connection)
    return round(least_ahead(before, there, time.time()), 3)
