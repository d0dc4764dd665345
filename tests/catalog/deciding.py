"""What the tests of labels share: short ways to decide, and to look at what was decided."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from catalog import tables
from catalog.labels import BatchResult, Decision, record, states
from catalog.ledger import Ledger

CONTENTS = [f"content {number}" for number in range(12)]


def say(ledger: Ledger, key: str, *decisions: tuple[int, int, Any], origin: Any = "person") -> BatchResult:
    made = [Decision(image, label, what) for image, label, what in decisions]
    return record(ledger, key=key, author="wei", decisions=made, origin=origin)


def seen(ledger: Ledger, image: int) -> dict[str, tuple[str, str]]:
    return {one.name: (one.state, one.origin) for one in states(ledger, [image]).get(image, [])}


def count(ledger: Ledger, table: str) -> int:
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.metadata.tables[table])).scalar_one()
