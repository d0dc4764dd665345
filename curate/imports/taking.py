"""Takes decisions of another program into the ledger, some thousands at a time, and tells what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from catalog.errors import CatalogError, InvalidLabel
from catalog.label_events import State
from catalog.labels import Decision, ensure_label, record
from catalog.ledger import Ledger

ROWS_AT_ONCE = 10_000  # so long a transaction keeps other writers waiting
SHOWN = 100


class ImportRefused(CatalogError):
    """The file cannot be read as what it should be; the message names it and the remedy."""


@dataclass(frozen=True)
class Claim:
    """What another program says: that an image is a label, or is not; `where` names the row or file for people."""

    where: str
    image_id: int | None
    label: str
    decision: State


@dataclass
class Imported:
    """Rows or files read: what changed, what held already or is decided otherwise by a person, and what was left out.

    `unknown`: no image here is meant. `refused`: it cannot be understood. The first of each are named.
    """

    rows: int = 0
    applied: int = 0
    unchanged: int = 0
    unknown: int = 0
    refused: int = 0
    unknown_named: list[str] = field(default_factory=list)
    refused_named: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def refuse(self, where: str, reason: str) -> None:
        """Count a row that cannot be understood."""
        self.rows += 1
        self.refused += 1
        if len(self.refused_named) < SHOWN:
            self.refused_named.append(f"{where}: {reason}")


class Taking:
    """One import; each `take` is a batch of its own, which can be undone."""

    def __init__(self, ledger: Ledger, *, author: str) -> None:
        self.done = Imported()
        self._ledger = ledger
        self._author = author
        self._label_ids: dict[str, int | str] = {}  # or why it cannot be one

    def take(self, claims: Sequence[Claim]) -> None:
        """Write what is said of images that are here."""
        done = self.done
        decisions: list[Decision] = []
        for claim in claims:
            if claim.image_id is None:
                done.rows += 1
                done.unknown += 1
                if len(done.unknown_named) < SHOWN:
                    done.unknown_named.append(claim.where)
                continue
            label_id = self._label(claim.label)
            if isinstance(label_id, str):
                done.refuse(claim.where, label_id)
                continue
            done.rows += 1
            decisions.append(Decision(claim.image_id, label_id, claim.decision))
        if decisions:
            key = f"import:{uuid4().hex}"
            result = record(
                self._ledger, key=key, author=self._author, decisions=decisions, origin="import", kind="import"
            )
            done.applied += result.applied
            done.unchanged += len(decisions) - result.applied
            if result.applied:
                done.batches.append(result.batch_id)

    def _label(self, name: str) -> int | str:
        """The label's id, made where there is none; or why there can be none."""
        if name not in self._label_ids:
            try:
                self._label_ids[name] = ensure_label(self._ledger, name).id
            except InvalidLabel as error:
                self._label_ids[name] = str(error)
        return self._label_ids[name]
