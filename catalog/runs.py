"""Training runs: asked for, paused, resumed, cancelled, and read with what they measured."""

from __future__ import annotations

import statistics
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from catalog import tables
from catalog.audit import By, note
from catalog.errors import InvalidRun, UnknownRun
from catalog.ledger import Ledger, clock
from catalog.sources import load_source

RunState = Literal["running", "paused", "cancelled", "done", "failed"]
Stage = Literal["prepare", "train", "ship"]
UNFINISHED = ("running", "paused")
LONGEST_NAME = 80
MOST_RANKS = 64
SPEED_OF = 5  # epochs: a pause or a slower machine shows soon

# What there is to choose, and for what: the names and words of encoder/presets.py, which the page may not load; a test
# compares them.
PRESETS: Mapping[str, str] = {
    "quick-cpu": "Minutes on two CPU cores: small pictures, a light network; clearly better than random weights.",
    "cifar10": "Pictures of 32 pixels on a GPU: what the shipped encoder was trained with.",
    "stl10-blog": "STL-10 as in the study that Ruiji grew from: SimCLR, 800 epochs, checkpoints of four of them kept.",
    "stl10-best": "STL-10 for the best result: 64-pixel pictures behind a 3x3 stem.",
    "photos": "Ordinary photos at 128 pixels on a GPU.",
}


@dataclass(frozen=True)
class Epoch:
    """What one epoch measured; None where it did not, or where it was no finite number. `seconds` it took."""

    epoch: int
    loss: float | None
    learning_rate: float | None
    projection_std: float | None
    knn: float | None
    images_per_s: float | None
    seconds: float | None


@dataclass(frozen=True)
class Run:
    """A training run. `members` of its `ranks` are at work now; `done` of `epochs` epochs; times in seconds."""

    id: int
    name: str
    preset: str
    changes: Mapping[str, Any]
    source_ids: tuple[int, ...]
    source_names: tuple[str, ...]
    ranks: int
    state: RunState
    stage: Stage
    gang: int
    attempts: int
    members: int
    pictures: int | None
    left_out: int | None
    epochs: int | None
    done: int
    last: Epoch | None
    seconds_left: float | None
    encoder_id: str | None
    error: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None


def create_run(
    ledger: Ledger,
    *,
    name: str,
    preset: str,
    source_ids: Collection[int],
    author: str,
    ranks: int = 1,
    changes: Mapping[str, Any] | None = None,
    by: By | None = None,
) -> int:
    """A run that waits for workers; returns its number. Raises InvalidRun, UnknownSource. `by`: for the audit log."""
    called = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(called) <= LONGEST_NAME or not called.isprintable():
        raise InvalidRun(f"A name has 1 to {LONGEST_NAME} visible characters; the encoder will be called by it.")
    if preset not in PRESETS:
        raise InvalidRun(f"There is no preset {preset[:40]!r}; choose {', '.join(PRESETS)}.")
    if not 1 <= ranks <= MOST_RANKS:
        raise InvalidRun(f"{ranks} processes cannot train together; choose 1 to {MOST_RANKS}.")
    wanted = sorted(set(source_ids))
    if not wanted:
        raise InvalidRun("No folder is chosen; choose at least one whose photos it learns from.")
    run = tables.run
    with ledger.write() as connection:
        for source_id in wanted:
            load_source(connection, source_id)
        values = {
            "name": called,
            "preset": preset,
            "changes": dict(changes or {}),
            "source_ids": wanted,
            "ranks": ranks,
            "author": author,
            "state": "running",
            "stage": "prepare",
            "created_at": clock(connection),
        }
        made = int(connection.execute(insert(run).values(**values).returning(run.c.id)).scalar_one())
        if by is not None:
            note(connection, by, "training started", f"{called}, run {made}")
        return made


def pause_run(ledger: Ledger, run_id: int) -> bool:
    """Stop after the step that is being computed, and keep it; False if it was not at work. UnknownRun."""
    return _change(ledger, run_id, before=("running",), state="paused")


def resume_run(ledger: Ledger, run_id: int) -> bool:
    """Go on where it was paused, or try again what has failed; False if it was neither. UnknownRun."""
    again: dict[str, Any] = {"attempts": 0, "error": None, "error_gang": None, "finished_at": None}
    return _change(ledger, run_id, before=("paused", "failed"), state="running", **again)


def cancel_run(ledger: Ledger, run_id: int, *, by: By | None = None) -> bool:
    """End it; its folder stays. False if it had ended. UnknownRun. `by`: for the audit log."""
    return _change(ledger, run_id, before=(*UNFINISHED, "failed"), state="cancelled", by=by)


def get_run(ledger: Ledger, run_id: int) -> Run:
    """One run; UnknownRun."""
    with ledger.read() as connection:
        found = _runs(connection, tables.run.c.id == run_id, limit=1)
    if not found:
        raise UnknownRun(run_id)
    return found[0]


def list_runs(ledger: Ledger, *, limit: int = 50, offset: int = 0) -> list[Run]:
    """The newest runs, newest first."""
    with ledger.read() as connection:
        return _runs(connection, limit=limit, offset=offset)


def curve(ledger: Ledger, run_id: int, *, after: int = 0) -> list[Epoch]:
    """What the epochs later than `after` measured, in their order."""
    table = tables.run_epoch
    query = select(table).where(table.c.run_id == run_id, table.c.epoch > after).order_by(table.c.epoch)
    with ledger.read() as connection:
        return [_epoch(row) for row in connection.execute(query)]


def _change(
    ledger: Ledger,
    run_id: int,
    *,
    before: tuple[str, ...],
    state: RunState,
    by: By | None = None,
    **values: Any,
) -> bool:
    run = tables.run
    with ledger.write() as connection:
        name = connection.execute(select(run.c.name).where(run.c.id == run_id)).scalar_one_or_none()
        if name is None:
            raise UnknownRun(run_id)
        if state == "cancelled":
            values["finished_at"] = clock(connection)
        changed = update(run).where(run.c.id == run_id, run.c.state.in_(before)).values(state=state, **values)
        done = connection.execute(changed).rowcount == 1
        if by is not None and done:
            note(connection, by, f"training {state}", f"{name}, run {run_id}")
        return done


def _runs(connection: Connection, *conditions: Any, limit: int, offset: int = 0) -> list[Run]:
    run, epoch, trainer, source = tables.run, tables.run_epoch, tables.trainer, tables.source
    now = clock(connection)
    members = (
        select(func.count())
        .where(trainer.c.run_id == run.c.id, trainer.c.gang == run.c.gang, trainer.c.lease_until >= now)
        .scalar_subquery()
    )
    query = select(run, members.label("members")).where(*conditions)
    rows = connection.execute(query.order_by(run.c.id.desc()).limit(limit).offset(offset)).all()
    names = {row.id: row.name for row in connection.execute(select(source.c.id, source.c.name))}
    found = []
    for row in rows:
        lately = select(epoch).where(epoch.c.run_id == row.id).order_by(epoch.c.epoch.desc()).limit(SPEED_OF)
        found.append(_run(row, [_epoch(one) for one in connection.execute(lately)], names))
    return found


def _run(row: Row[Any], lately: Sequence[Epoch], names: Mapping[int, str]) -> Run:
    """`lately` are its last epochs, the last one first."""
    done = lately[0].epoch if lately else 0
    took = [one.seconds for one in lately if one.seconds is not None]
    left = None
    if row.state not in UNFINISHED:
        left = 0.0
    elif row.state == "running" and row.stage == "train" and row.members and row.epochs and took:
        left = (row.epochs - done) * statistics.median(took)
    return Run(
        id=row.id,
        name=row.name,
        preset=row.preset,
        changes=row.changes,
        source_ids=tuple(row.source_ids),
        source_names=tuple(names[one] for one in row.source_ids if one in names),
        ranks=row.ranks,
        state=row.state,
        stage=row.stage,
        gang=row.gang,
        attempts=row.attempts,
        members=row.members,
        pictures=row.pictures,
        left_out=row.left_out,
        epochs=row.epochs,
        done=done,
        last=lately[0] if lately else None,
        seconds_left=left,
        encoder_id=row.encoder_id,
        error=row.error,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _epoch(row: Row[Any]) -> Epoch:
    return Epoch(row.epoch, row.loss, row.learning_rate, row.projection_std, row.knn, row.images_per_s, row.seconds)
