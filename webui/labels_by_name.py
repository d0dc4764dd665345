"""Labels as people name them, turned to the ids that the catalog works with."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sqlalchemy import select

from catalog.label_merges import merged_into
from catalog.ledger import Ledger
from catalog.tables import label

from .errors import ApiError


def find_label_id(ledger: Ledger, name: str) -> int | None:
    """The id of the label of that name, None if there is none; makes none. A merged label's name means the other."""
    wanted = unicodedata.normalize("NFC", name).strip()
    with ledger.read() as connection:
        found = connection.execute(select(label.c.id).where(label.c.name == wanted)).scalar_one_or_none()
        return None if found is None else merged_into(connection, [found])[found]


def label_ids(ledger: Ledger, names: Iterable[str]) -> tuple[int, ...]:
    """The labels' ids; ApiError 404 names the first that there is not."""
    ids = []
    for name in names:
        found = find_label_id(ledger, name)
        if found is None:
            raise ApiError(404, "unknown_label", f"There is no label {name}.")
        ids.append(found)
    return tuple(ids)
