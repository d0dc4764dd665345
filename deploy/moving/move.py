"""Moves an installation: artifacts, then vectors, then the ledger in one transaction, and a comparison of all of it.

The source is read and never written. Killed at any point, the same command goes on: what is there is not sent again,
and until its ledger is there whole, the target has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from catalog import tables
from catalog.artifacts import ArtifactMissing, ArtifactStore
from catalog.encoders import list_encoders
from catalog.fault_points import reach
from catalog.index import VectorIndex
from catalog.index_filling import fill_index
from catalog.ledger import Ledger
from catalog.numbering import last_numbers
from catalog.restore import replace_all
from catalog.table_rows import read_rows
from deploy.moving.claim import claim, note_copied, release
from deploy.moving.compare import Compared, compare
from deploy.moving.target import MoveRefused

Say = Callable[[str], None]
SAY_EVERY = 10_000


@dataclass(frozen=True)
class Place:
    """Where an installation keeps what its index is made of."""

    ledger: Ledger
    store: ArtifactStore


def move(source: Place, target: Place, index: VectorIndex, *, say: Say) -> Compared:
    """Fill the target and compare it with the source. Nobody may write to the source meanwhile.

    Raises MoveRefused, ShardDamaged, IndexUnavailable, LedgerError.
    """
    index.ready()
    claimed = claim(source.ledger, target.ledger, index)
    if claimed.state == "filling":
        copied = _copy_artifacts(source.store, target.store)
        if copied:
            say(f"{copied:,} artifacts copied")
        _copy_vectors(source, index, say)
        _copy_ledger(source.ledger, target.ledger)
        say("the ledger is copied")
    found = compare(source.ledger, target.ledger, source.store, index)
    if found.differences:
        said = "; ".join(found.differences)
        if claimed.state == "moved":
            raise MoveRefused(
                f"{source.ledger} was moved to {target.ledger} before, and one of them has changed since ({said}):"
                " nothing was done. To move it a second time, give an empty database and an empty Milvus."
            )
        raise MoveRefused(
            f"The target is not what the source is ({said}); the source is as it was. Empty the target and move again,"
            " unless Ruiji was started on it and people have labelled there."
        )
    release(target.ledger)
    return found


def _copy_artifacts(source: ArtifactStore, target: ArtifactStore) -> int:
    """Copy what the target does not have: artifacts never change, so one of the same size is the same."""
    if source.url == target.url:
        return 0
    copied = 0
    for key in source.list():
        try:
            if target.size(key) == source.size(key):
                continue
        except ArtifactMissing:
            pass
        target.put(key, source.get(key))
        copied += 1
    return copied


def _copy_vectors(source: Place, index: VectorIndex, say: Say) -> None:
    for encoder in list_encoders(source.ledger):
        done = [0]

        def progress(images: int, done: list[int] = done, name: str = encoder.name) -> None:
            done[0] += images
            if done[0] // SAY_EVERY != (done[0] - images) // SAY_EVERY:
                say(f"{done[0]:,} vectors of {name}")

        report = fill_index(source.ledger, source.store, index, encoder, progress=progress)
        say(f"{report.images:,} vectors of {encoder.name}, {report.missing_in_index:,} of them sent now")


def _copy_ledger(source: Ledger, target: Ledger) -> None:
    with source.snapshot() as old, target.rebuild() as new:
        replace_all(new, lambda name: read_rows(old, tables.metadata.tables[name]), last_numbers(old))
        note_copied(new)
        reach("move.ledger")
