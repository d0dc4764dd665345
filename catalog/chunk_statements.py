"""The statements with which chunks are claimed, held and finished: built once, for each chunk runs all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Update, and_, bindparam, select, update

from catalog import tables
from catalog.statements import built_once, given_texts

WORKED_ON = ("scanning", "running")

_chunk, _job, _member = tables.chunk, tables.job, tables.chunk_place
_place, _source = tables.place, tables.source


def ours(chunk_id: int, fence: int) -> dict[str, int]:
    """The parameters of the statements that count only under a claim."""
    return {"our_chunk": chunk_id, "our_fence": fence}


@dataclass(frozen=True)
class UnderClaim:
    """What a worker may ask and change of a chunk as long as it is its own; the parameters are `ours`."""

    lock: Select[Any]  # its id
    look: Select[Any]  # lease_until, and the job's state
    change: Update  # of the columns that are given besides


def under(condition: ColumnElement[bool]) -> UnderClaim:
    """Those statements under a condition."""
    of_job = _job.c.id == _chunk.c.job_id
    return UnderClaim(
        lock=select(_chunk.c.id).where(condition).with_for_update(key_share=True),
        look=select(_chunk.c.lease_until, _job.c.state).join(_job, of_job).where(condition),
        change=update(_chunk).where(condition),
    )


_its = (_chunk.c.id == bindparam("our_chunk"), _chunk.c.fence == bindparam("our_fence"))
OURS = under(and_(*_its, _chunk.c.state == "claimed"))

# Parameters: which (open or claimed), now. An open chunk's lease is a rest that it was given; a claimed one's is its
# worker's. In the order of the index, where those that never rested come first, by their ids.
WAITING = (
    select(
        *(_chunk.c.id, _chunk.c.job_id, _chunk.c.encoder_id, _chunk.c.fence, _chunk.c.attempts, _chunk.c.files),
        _job.c.source_id,
    )
    .join(_job, _job.c.id == _chunk.c.job_id)
    .where(_job.c.state.in_(WORKED_ON), _chunk.c.state == bindparam("which"), _chunk.c.lease_until < bindparam("now"))
    .order_by(_chunk.c.lease_until, _chunk.c.id)
    .limit(1)
    .with_for_update(of=_chunk, skip_locked=True, key_share=True)
)


@built_once
def waiting_for(connection: Connection) -> Select[Any]:
    """WAITING, with a parameter besides: the encoders, packed."""
    return WAITING.where(_chunk.c.encoder_id.in_(given_texts(connection, "encoders")))


# Parameter: of; and the columns that change.
UPDATE = update(_chunk).where(_chunk.c.id == bindparam("of"))

# Parameter: of.
ITEMS = (
    select(_place.c.id, _place.c.source_id, _source.c.root, _place.c.path, _place.c.size, _place.c.mtime_ns)
    .join(_member, _member.c.place_id == _place.c.id)
    .join(_source, _source.c.id == _place.c.source_id)
    .where(_member.c.chunk_id == bindparam("of"))
    .order_by(_place.c.id)
)

# Parameter: of.
SOURCE = select(_source.c.root, _source.c.labels_from_folders).where(_source.c.id == bindparam("of"))

# Parameter: at_work.
END_TROUBLE = (
    update(_job)
    .where(_job.c.id == bindparam("at_work"), _job.c.state.in_((*WORKED_ON, "paused")), _job.c.error.is_not(None))
    .values(error=None)
)
