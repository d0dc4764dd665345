"""After the clock was set back: what dead workers hold ends soon all the same, and no beat counts for longer.

Leases and beats are moments of the wall clock. Set back by an hour, it leaves those of before an hour in the future: a
worker that died just then would keep its work, and look alive, for as long. One that lives renews what it holds.
"""

from __future__ import annotations

from sqlalchemy import Column, or_, select, update

from catalog import rests, tables
from catalog.ledger import Ledger, clock

# No lease that was given by the clock as it is reaches further ahead than so many of ours and the longest rest: another
# machine's may be longer than ours.
LEASES = 10.0
SKEW_S = 1.0  # of a beat: clocks of two machines, where each goes by its own

_HELD: tuple[Column[float], ...] = (
    tables.chunk.c.lease_until,
    tables.job.c.scan_lease_until,
    tables.shard.c.lease_until,
    tables.trainer.c.lease_until,
)


def end_leases_ahead(ledger: Ledger, *, lease_s: float) -> int:
    """Let every lease that lies too far ahead end in `lease_s`, and every beat from the future count from now.

    Returns how many of both there were: almost always none, which costs a read.
    """
    beats, farthest = tables.worker.c.heartbeat_at, LEASES * lease_s + rests.LONGEST_S
    with ledger.read() as connection:
        now = clock(connection)
        ahead = [column > now + farthest for column in _HELD]
        found = or_(*(select(column.table).where(late).exists() for column, late in zip(_HELD, ahead, strict=True)))
        if not connection.execute(
            select(or_(found, select(beats.table).where(beats > now + SKEW_S).exists()))
        ).scalar():
            return 0
    with ledger.write() as connection:
        now = clock(connection)
        changed = connection.execute(
            update(tables.worker).where(beats > now + SKEW_S).values(heartbeat_at=now)
        ).rowcount
        for column in _HELD:
            late = column > now + farthest
            changed += connection.execute(update(column.table).where(late).values({column: now + lease_s})).rowcount
    return changed
