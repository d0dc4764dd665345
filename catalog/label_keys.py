"""The keys of label batches: what was written under one, and by which request, so that nothing is written twice and
nothing is taken for written that was not."""

from __future__ import annotations

from sqlalchemy import Connection, select

from catalog import tables
from catalog.errors import InvalidKey, KeyTaken
from catalog.ledger import Ledger

LONGEST_KEY = 64


def check_key(key: str) -> None:
    """InvalidKey unless the key can be one."""
    if not 1 <= len(key) <= LONGEST_KEY:
        raise InvalidKey(f"The key of a batch has 1 to {LONGEST_KEY} characters, not {len(key)}.")


def batch_of_key(ledger: Ledger, key: str, *, request_sha256: str | None = None) -> int | None:
    """The batch that was recorded under this key, None if there is none; KeyTaken if another request recorded it."""
    with ledger.read() as connection:
        return recorded_under(connection, key, request_sha256)


def recorded_under(connection: Connection, key: str, request_sha256: str | None) -> int | None:
    """`batch_of_key` within a transaction. No hash, here or of that time, tells no request from another."""
    head = tables.label_batch
    query = select(head.c.id, head.c.request_sha256).where(head.c.key == key)
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    if None not in (request_sha256, found.request_sha256) and request_sha256 != found.request_sha256:
        raise KeyTaken(found.id)
    return int(found.id)
