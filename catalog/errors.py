"""Everything that can go wrong with the catalog and that a user can understand, as one family of exceptions."""

from __future__ import annotations

from collections.abc import Iterable


class CatalogError(Exception):
    """The family; the message names the thing and the remedy."""


class LedgerError(CatalogError):
    """The ledger cannot be opened, read or written."""


class LedgerAway(LedgerError):
    """Its engine or file cannot be used as it is: away, busy, full or damaged. Nothing is wrong with what was asked."""


class LedgerBusy(LedgerAway):
    """Another process kept the ledger locked for longer than a write waits."""


class ClaimLost(CatalogError):
    """The lease of this claim ran out and another worker has the work: nothing was written."""


class InvalidLabel(CatalogError):
    """A label's name is empty, too long, or holds characters that cannot be seen."""


class InvalidKey(CatalogError):
    """A batch's key is empty or longer than 64 characters."""


class KeyTaken(CatalogError):
    """A batch's key, sent with another request than the one that wrote the batch."""

    def __init__(self, batch_id: int) -> None:
        self.batch_id = batch_id
        super().__init__(
            f"This key belongs to another change, batch {batch_id} of label decisions: nothing was written. "
            "Send this change under a key of its own."
        )


class UnknownSource(CatalogError):
    """No source has this id."""

    def __init__(self, source_id: int) -> None:
        super().__init__(f"There is no source {source_id}; list the sources to see those that exist.")


class UnknownJob(CatalogError):
    """No job has this id."""

    def __init__(self, job_id: int) -> None:
        super().__init__(f"There is no job {job_id}; list the jobs to see those that exist.")


class UnknownRun(CatalogError):
    """No training run has this number."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"There is no training run {run_id}; list the runs to see those that exist.")


class InvalidRun(CatalogError):
    """A training run cannot be asked for in this way; the message says why."""


class UnknownBatch(CatalogError):
    """No label batch has this id."""

    def __init__(self, batch_id: int) -> None:
        super().__init__(f"There is no batch {batch_id} of label decisions; list the batches to see those that exist.")


class UnknownGroup(CatalogError):
    """No label group has this id."""

    def __init__(self, group_id: int) -> None:
        super().__init__(f"There is no label group {group_id}; list the groups to see those that exist.")


class NotUndone(CatalogError):
    """A redo of a batch that has not been undone."""

    def __init__(self, batch_id: int) -> None:
        super().__init__(f"Batch {batch_id} of label decisions is not undone: there is nothing to do again.")


class UnknownHunt(CatalogError):
    """No hunt has this id."""

    def __init__(self, hunt_id: str) -> None:
        super().__init__(f"There is no hunt {hunt_id[:80]!r}: it was deleted, or the address is incomplete.")


class HuntChanged(CatalogError):
    """Somebody else has saved the hunt since it was read; `version` is the one that it has now."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__("Somebody else has saved this hunt meanwhile: read it again, then save.")


class InvalidHunt(CatalogError):
    """A hunt's name, state or example cannot be kept; the message says why."""


class UnknownEncoder(CatalogError):
    """No encoder has this id."""

    def __init__(self, encoder_id: str) -> None:
        super().__init__(f"There is no encoder {encoder_id[:80]!r}; register its folder first.")


class UnknownImage(CatalogError):
    """Some of the images do not exist; `image_ids` are all of those."""

    def __init__(self, image_ids: Iterable[int]) -> None:
        self.image_ids = tuple(sorted(image_ids))
        super().__init__(f"There is no image {_some(self.image_ids)}; search again to get ids that exist.")


class UnknownLabel(CatalogError):
    """Some of the labels do not exist; `label_ids` are all of those."""

    def __init__(self, label_ids: Iterable[int]) -> None:
        self.label_ids = tuple(sorted(label_ids))
        super().__init__(f"There is no label {_some(self.label_ids)}; create it first.")


def _some(ids: tuple[int, ...]) -> str:
    named = ", ".join(str(value) for value in ids[:5])
    return named if len(ids) <= 5 else f"{named} and {len(ids) - 5} more"
