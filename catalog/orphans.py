"""Files of the artifact store that no row of the ledger names: left by workers that ended before they could commit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, select

from catalog.artifacts import ArtifactMissing, ArtifactStore
from catalog.ledger import Ledger
from catalog.statements import any_of_text, slices

ORPHAN_AGE_S = 3600.0  # a younger file may be of a chunk that is about to be committed
KEYS_AT_ONCE = 2000


def remove_orphans(ledger: Ledger, store: ArtifactStore, folder: str, named_in: Column[Any], repair: bool) -> int:
    """How many files below the folder are old and not named in this column; with `repair`, they are deleted."""
    found = 0
    for keys in slices(list(_old(store, folder)), KEYS_AT_ONCE):
        with ledger.read() as connection:
            named = set(connection.scalars(select(named_in).where(named_in.in_(any_of_text(connection, keys)))))
        orphans = [key for key in keys if key not in named]
        found += len(orphans)
        for key in orphans if repair else ():
            store.delete(key)
    return found


def _old(store: ArtifactStore, folder: str) -> Iterator[str]:
    for key in list(store.list(folder)):
        try:
            if store.age(key) > ORPHAN_AGE_S:
                yield key
        except ArtifactMissing:  # its worker took it back meanwhile
            continue
