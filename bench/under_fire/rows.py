"""Rows of a ledger's file, read beside whoever uses it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any


def rows(home: Path, statement: str) -> list[tuple[Any, ...]]:
    """What a SELECT finds in the ledger of this home."""
    ledger = sqlite3.connect(f"file:{home}/ledger.db?mode=ro", uri=True, timeout=30)
    try:
        return ledger.execute(statement).fetchall()
    finally:
        ledger.close()
