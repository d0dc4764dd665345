"""After the clock was set back: what dead workers hold ends soon all the same, and no beat counts for longer.

Leases and beats are moments of the wall clock. Set back by an hour, it leaves those of before an hour in the future: a
worker that died just then would keep its work, and look alive, for as long. One that lives renews what it holds.

A beat that lies in the future tells of such a step, for it was given by the clock as it was; nobody but the sweep moves
one back, in the transaction in which it shortens the leases, so a step is found once, by whoever sweeps first, and by
the next one after a stop of everything too. Where no beat lies in the future, a worker's last beat is past, and its
lease, which it renewed no later than a beat after that, ends within a lease and a beat anyway.
"""

from __future__ import annotations

from sqlalchemy import Column, or_, select, update

from catalog import rests, tables
from catalog.ledger import Ledger, clock

# No lease that was given by the clock as it is reaches further ahead than so many of ours and the longest rest: another
# machine's may be longer than ours. It is cut where no beat tells of a step: of a rest, where no worker was there.
LEASES = 10.0
SKEW_S = 1.0  # of a beat: clocks of two machines, where each goes by its own

_HELD: tuple[Column[float], ...] = (
    tables.chunk.c.lease_until,
    tables.job.c.scan_lease_until,
    tables.shard.c.lease_until,
    tables.trainer.c.lease_until,
)


def end_leases_ahead(ledger: Ledger, *, lease_s: float) -> int:
    """Let every lease and rest of before a step back end in `lease_s`, and every beat from the future count from now.

    Returns how many of both there were: almost always none, which costs a read.
    """
    beats, farthest = tables.worker.c.heartbeat_at, LEASES * lease_s + rests.LONGEST_S
    with ledger.read() as connection:
        now = clock(connection)
        ahead = [select(beats.table).where(beats > now + SKEW_S).exists()]
        ahead += [select(column.table).where(column > now + farthest).exists() for column in _HELD]
        if not connection.execute(select(or_(*ahead))).scalar():
            return 0
    with ledger.write() as connection:
        now = clock(connection)
        late = update(tables.worker).where(beats > now + SKEW_S).values(heartbeat_at=now)
        changed = connection.execute(late).rowcount
        longest = lease_s if changed else farthest
        for column in _HELD:
            held = update(column.table).where(column > now + longest).values({column: now + lease_s})
            changed += connection.execute(held).rowcount
    return changed
