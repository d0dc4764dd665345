"""Fills another index with what a ledger and its shards say, and changes neither: the long part of a move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from catalog.artifacts import ArtifactStore
from catalog.encoders import Encoder
from catalog.fault_points import reach
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from catalog.reconcile import Comparison, Report, ShardRow
from catalog.shards import Ids, Shard, ShardDamaged

Progress = Callable[[int], None]  # is told of so many more images


def fill_index(
    ledger: Ledger, store: ArtifactStore, index: VectorIndex, encoder: Encoder, *, progress: Progress = lambda _: None
) -> Report:
    """Write every row that the index lacks, write old ones again, and remove those of no image: however often it was
    broken off, it goes on with what is missing.

    Raises ShardDamaged, IndexUnavailable.
    """
    return _Filling(ledger, store, index, encoder, progress).run()


class _Filling(Comparison):
    """A comparison whose repair is of the index alone: the ledger and the shards are another installation's."""

    def __init__(
        self, ledger: Ledger, store: ArtifactStore, index: VectorIndex, encoder: Encoder, progress: Progress
    ) -> None:
        super().__init__(ledger, store, index, encoder, repair=True)
        self._progress = progress

    def orphans(self) -> Report:
        """None of this index's business."""
        return Report()

    def shards(self) -> list[ShardRow]:
        """No shard is in this index before it was looked for there."""
        return [replace(row, indexed=True) for row in super().shards()]

    def content(self, shard: ShardRow, members: dict[int, int]) -> Shard:
        """A shard that cannot be read ends it: the source is to be mended first, and not here."""
        found = super().content(shard, members)
        if isinstance(found, Report):
            raise ShardDamaged(shard.key, "it is missing, or not what was written")
        return found

    def fill(self, content: Shard, members: dict[int, int], held: Ids) -> Report:
        """A shard's rows that are missing; then it is told how many are done."""
        found = super().fill(content, members, held)
        self._progress(len(members))
        return found

    def write(self) -> None:
        """A message of rows is in the index, and the next is not: where a move may be killed."""
        super().write()
        reach("move.rows")

    def waiting(self, image_ids: Sequence[int]) -> set[int]:
        """The source's index worker refreshes the source's index, not this one."""
        return set()
