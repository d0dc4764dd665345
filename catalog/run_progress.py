"""What a run's epochs measured, as its gang reports it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import update

from catalog import tables
from catalog.gangs import Member, holds
from catalog.ledger import Ledger, clock
from catalog.runs import Epoch
from catalog.statements import insert_or

MEASURED = ("loss", "learning_rate", "projection_std", "knn", "images_per_s", "seconds")


def note_epochs(ledger: Ledger, member: Member, epochs: Sequence[Epoch]) -> bool:
    """Keep what epochs measured; one that was trained again replaces what it measured before.

    False, and nothing written, when the run has another gang by now.
    """
    table = tables.run_epoch
    with ledger.write() as connection:
        if not holds(connection, member):
            return False
        for epoch in epochs:
            values: dict[str, Any] = {name: _finite(getattr(epoch, name)) for name in MEASURED}
            values["at"] = clock(connection)
            statement = insert_or(connection, table).values(run_id=member.run_id, epoch=epoch.epoch, **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["run_id", "epoch"], set_=values))
        return True


def note_progress(ledger: Ledger, member: Member) -> bool:
    """A gang has left a checkpoint that was not there: what kept the ones before it is over. False if it is lost."""
    run = tables.run
    with ledger.write() as connection:
        kept = update(run).where(run.c.id == member.run_id, run.c.gang == member.gang)
        return connection.execute(kept.values(attempts=0, error=None, error_gang=None)).rowcount == 1


def note_pictures(ledger: Ledger, member: Member, *, pictures: int, left_out: int) -> bool:
    """How many pictures there are to learn from, and how many files could not be decoded. False if it is lost."""
    run = tables.run
    with ledger.write() as connection:
        kept = update(run).where(run.c.id == member.run_id, run.c.gang == member.gang)
        return connection.execute(kept.values(pictures=pictures, left_out=left_out)).rowcount == 1


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
