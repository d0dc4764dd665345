"""Gives back what dead workers hold, for a caller who knows that they are dead."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from catalog.ledger import Ledger
from catalog.tables import chunk, job, run, shard, trainer, unreadable_source, worker


@dataclass(frozen=True)
class Released:
    """How many claims were given back."""

    chunks: int
    scans: int
    shards: int


def release_all(ledger: Ledger, *, count_attempt: bool) -> Released:
    """Give back every claim and forget every worker: no worker of this ledger may be alive.

    A chunk's attempt counts against it only when its worker ended by itself (`count_attempt`), a run's never: when
    everything was killed together, nothing says that it was to blame. Fences stay: what a dead worker wrote late is
    refused.
    """
    with ledger.write() as connection:
        claimed = chunk.c.state == "claimed"
        values = {"state": "open", "lease_until": 0.0, "worker": None}
        if not count_attempt:
            connection.execute(update(chunk).where(claimed, chunk.c.attempts > 0).values(attempts=chunk.c.attempts - 1))
        chunks = connection.execute(update(chunk).where(claimed).values(**values)).rowcount
        scans = connection.execute(
            update(job).where(job.c.state == "scanning", job.c.scan_lease_until > 0).values(scan_lease_until=0.0)
        ).rowcount
        shards = connection.execute(
            update(shard).where(shard.c.indexed_at.is_(None), shard.c.lease_until > 0).values(lease_until=0.0)
        ).rowcount
        under_way = run.c.id.in_(select(trainer.c.run_id).where(trainer.c.gang == run.c.gang))
        fewer = update(run).where(run.c.state == "running", run.c.attempts > 0, under_way)
        connection.execute(fewer.values(attempts=run.c.attempts - 1))
        connection.execute(delete(trainer))
        connection.execute(delete(unreadable_source))
        connection.execute(delete(worker))
    return Released(chunks=chunks, scans=scans, shards=shards)
