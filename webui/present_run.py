"""Training runs as plain values for a page or a JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from catalog.runs import Run


def run(row: Run) -> dict[str, Any]:
    """A run as the page and programs see it."""
    return {
        "id": row.id,
        "name": row.name,
        "preset": row.preset,
        "sources": list(row.source_names),
        "ranks": row.ranks,
        "members": row.members,
        "state": row.state,
        "stage": row.stage,
        "attempts": row.attempts,
        "pictures": row.pictures,
        "left_out": row.left_out,
        "epochs": row.epochs,
        "done": row.done,
        "last": asdict(row.last) if row.last else None,
        "seconds_left": None if row.seconds_left is None else round(row.seconds_left, 1),
        "encoder": row.encoder_id,
        "error": row.error,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }
