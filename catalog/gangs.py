"""Gangs: the workers that train a run together, formed all at once or not at all, each kept alive by its lease.

A worker offers itself; whoever finds that enough have makes them the ranks of a run in one transaction. A gang's number
is its fence: it grows with every gang of a run, and what is reported under an older one does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, func, select, text, update

from catalog import tables
from catalog.ledger import Ledger, clock
from catalog.plain_text import plain_text
from catalog.runs import UNFINISHED, Stage
from catalog.statements import insert_or

# What a member has to do: go on; stop and leave (paused, cancelled, ended by another member); leave because a rank is
# missing (broken), because the work of this stage is done (moved), or because others have its place (lost).
GangStatus = Literal["go", "paused", "cancelled", "ended", "broken", "moved", "lost"]

MAX_ATTEMPTS = 4
_LOCK = 0x67_61_6E_67  # "gang"


@dataclass(frozen=True)
class Member:
    """A worker's place in a gang of `size`; the gang works on one stage of its run."""

    worker: str
    run_id: int
    stage: Stage
    gang: int
    rank: int
    size: int
    attempts: int  # gangs before this one that brought nothing


@dataclass(frozen=True)
class Waiting:
    """Runs wait for workers; the one that is nearest to being formed needs `missing` more than offer themselves."""

    missing: int


def offer(ledger: Ledger, *, worker: str, address: str, lease_s: float) -> Member | Waiting | None:
    """Offer this worker, and form the oldest gang that all who offer themselves suffice for.

    Returns the worker's place in a gang, Waiting when runs need more workers than there are (ask again before
    `lease_s` is over), or None when nothing waits; then the offer is withdrawn. A run whose gangs have brought nothing
    MAX_ATTEMPTS times in a row fails instead.
    """
    trainer = tables.trainer
    with ledger.write() as connection:
        _one_at_a_time(connection)
        now = clock(connection)
        # Offers of workers that have died, and their places in runs that have ended since.
        over = trainer.c.run_id.in_(select(tables.run.c.id).where(tables.run.c.state.not_in(UNFINISHED)))
        connection.execute(delete(trainer).where(trainer.c.run_id.is_(None) | over, trainer.c.lease_until < now))
        if (member := _place_of(connection, worker)) is not None:
            return member
        statement = insert_or(connection, trainer).values(worker=worker, address=address, lease_until=now + lease_s)
        values = {"address": address, "lease_until": now + lease_s, "run_id": None, "gang": None, "rank": None}
        connection.execute(statement.on_conflict_do_update(index_elements=["worker"], set_=values))
        free = select(trainer.c.worker).where(trainer.c.run_id.is_(None), trainer.c.lease_until >= now)
        others = [row.worker for row in connection.execute(free.order_by(trainer.c.worker)) if row.worker != worker]
        missing = []
        for run in connection.execute(_waiting(now).order_by(tables.run.c.id).with_for_update()).all():
            if run.attempts >= MAX_ATTEMPTS:
                _give_up(connection, run, now)
                continue
            size = run.ranks if run.stage == "train" else 1
            if size <= 1 + len(others):
                return _form(connection, run, [worker, *others[: size - 1]], until=now + lease_s)
            missing.append(size - 1 - len(others))
        if missing:
            return Waiting(min(missing))
        connection.execute(delete(trainer).where(trainer.c.worker == worker))
        return None


def withdraw(ledger: Ledger, worker: str) -> None:
    """Take an offer back; a place in a gang that it has led to meanwhile is left unused, as by a worker that died."""
    with ledger.write() as connection:
        connection.execute(delete(tables.trainer).where(tables.trainer.c.worker == worker))


def beat(ledger: Ledger, member: Member, *, lease_s: float) -> GangStatus:
    """Prolong the lease and learn what to do."""
    run, trainer = tables.run, tables.trainer
    with ledger.write() as connection:
        now = clock(connection)
        kept = update(trainer).where(*_own(member)).values(lease_until=now + lease_s)
        if connection.execute(kept).rowcount != 1:
            return "lost"
        row = connection.execute(select(run.c.state, run.c.stage, run.c.gang).where(run.c.id == member.run_id)).one()
        if row.gang != member.gang:
            return "lost"
        if row.state == "paused":
            return "paused"
        if row.state == "cancelled":
            return "cancelled"
        if row.state != "running":
            return "ended"
        if row.stage != member.stage:
            return "moved"
        alive = select(func.count()).where(*_gang(member), trainer.c.lease_until >= now)
        return "go" if connection.execute(alive).scalar_one() == member.size else "broken"


def leave(ledger: Ledger, member: Member, *, error: str | None = None, counts: bool = True) -> None:
    """Leave the gang, which ends it for all. The first `error` of a gang stands with the run until there is progress.

    `counts` False: this worker was told to stop, so the attempt says nothing about the run.
    """
    run = tables.run
    with ledger.write() as connection:
        ours = (run.c.id == member.run_id, run.c.gang == member.gang, run.c.state.in_(("running", "paused")))
        if error is not None:
            first = run.c.error_gang.is_distinct_from(member.gang)
            said = {"error": plain_text(error), "error_gang": member.gang}
            connection.execute(update(run).where(*ours, first).values(**said))
        if not counts:
            was = update(run).where(*ours, run.c.attempts > member.attempts)
            connection.execute(was.values(attempts=member.attempts))
        connection.execute(delete(tables.trainer).where(*_own(member)))


def meet_at(ledger: Ledger, member: Member, endpoint: str) -> None:
    """Say where the ranks of this gang meet."""
    run = tables.run
    with ledger.write() as connection:
        ours = (run.c.id == member.run_id, run.c.gang == member.gang)
        connection.execute(update(run).where(*ours).values(endpoint=endpoint))


def endpoint_of(ledger: Ledger, member: Member) -> str | None:
    """Where the ranks of this gang meet; None until its first rank has said so."""
    run = tables.run
    with ledger.read() as connection:
        query = select(run.c.endpoint).where(run.c.id == member.run_id, run.c.gang == member.gang)
        return connection.execute(query).scalar_one_or_none()


def advance(ledger: Ledger, member: Member, stage: Stage, **values: Any) -> bool:
    """The stage of this gang is done: the next one waits. False, and nothing written, under an older fence.

    A run that was paused or cancelled at that moment stays so.
    """
    return _end_stage(ledger, member, {"stage": stage, "attempts": 0, "error": None, "error_gang": None, **values})


def finish(ledger: Ledger, member: Member, *, encoder_id: str) -> bool:
    """The run has given an encoder. False, and nothing written, under an older fence or after a cancel."""
    values = {"state": "done", "encoder_id": encoder_id, "error": None, "error_gang": None}
    return _end_stage(ledger, member, values)


def fail(ledger: Ledger, member: Member, *, error: str) -> bool:
    """The run cannot succeed, for this reason. False, and nothing written, under an older fence or after a cancel."""
    return _end_stage(ledger, member, {"state": "failed", "error": plain_text(error), "error_gang": member.gang})


def count_waiting(ledger: Ledger) -> int:
    """How many runs wait for a gang: what the sweep has to wake trainers for."""
    with ledger.read() as connection:
        waiting = _waiting(clock(connection)).subquery()
        return int(connection.execute(select(func.count()).select_from(waiting)).scalar_one())


def holds(connection: Connection, member: Member) -> bool:
    """Whether this is still the run's gang, with the run's row locked until the transaction ends."""
    run = tables.run
    query = select(run.c.id).where(run.c.id == member.run_id, run.c.gang == member.gang).with_for_update()
    return connection.execute(query).one_or_none() is not None


def _one_at_a_time(connection: Connection) -> None:
    """Side by side, two workers could each leave the other's offer to the other. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _waiting(now: float) -> Any:
    """Runs that nobody works on: while a lost gang still has a live member, its processes may still write."""
    run, trainer = tables.run, tables.trainer
    at_work = exists().where(trainer.c.run_id == run.c.id, trainer.c.lease_until >= now)
    return select(run).where(run.c.state == "running", ~at_work)


def _place_of(connection: Connection, worker: str) -> Member | None:
    """The place that another worker's offer has given this one, if its gang is still the run's."""
    run, trainer = tables.run, tables.trainer
    query = select(trainer.c.rank, run).join(run, run.c.id == trainer.c.run_id)
    here = (trainer.c.worker == worker, trainer.c.gang == run.c.gang, run.c.state == "running")
    row = connection.execute(query.where(*here)).one_or_none()
    if row is None:
        return None
    size = row.ranks if row.stage == "train" else 1
    return Member(worker, row.id, row.stage, row.gang, row.rank, size, max(0, row.attempts - 1))


def _form(connection: Connection, run: Row[Any], workers: list[str], *, until: float) -> Member:
    trainer, gang = tables.trainer, run.gang + 1
    connection.execute(delete(trainer).where(trainer.c.run_id == run.id))  # of a gang that was lost
    for rank, name in enumerate(workers):
        place = {"run_id": run.id, "gang": gang, "rank": rank, "lease_until": until}
        connection.execute(update(trainer).where(trainer.c.worker == name).values(**place))
    now = clock(connection)
    connection.execute(
        update(tables.run)
        .where(tables.run.c.id == run.id)
        .values(
            gang=gang,
            attempts=run.attempts + 1,  # before the work: a run that ends its workers is seen
            endpoint=None,
            started_at=func.coalesce(tables.run.c.started_at, now),
        )
    )
    return Member(workers[0], run.id, run.stage, gang, 0, len(workers), run.attempts)


def _give_up(connection: Connection, run: Row[Any], now: float) -> None:
    last = f": {run.error}" if run.error else ": each time its workers ended without a word"
    reason = f"gave up after {run.attempts} attempts without progress{last}"
    values = {"state": "failed", "error": plain_text(reason), "finished_at": now, "gang": run.gang + 1}
    connection.execute(update(tables.run).where(tables.run.c.id == run.id).values(**values))


def _end_stage(ledger: Ledger, member: Member, values: dict[str, Any]) -> bool:
    run = tables.run
    with ledger.write() as connection:
        ours = (run.c.id == member.run_id, run.c.gang == member.gang, run.c.stage == member.stage)
        if values.get("state"):
            values = {**values, "finished_at": clock(connection)}
        kept = update(run).where(*ours, run.c.state.in_(("running", "paused"))).values(**values)
        return connection.execute(kept).rowcount == 1


def _gang(member: Member) -> tuple[ColumnElement[bool], ...]:
    trainer = tables.trainer
    return trainer.c.run_id == member.run_id, trainer.c.gang == member.gang


def _own(member: Member) -> tuple[ColumnElement[bool], ...]:
    return (*_gang(member), tables.trainer.c.worker == member.worker)
