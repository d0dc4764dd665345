"""The API, version 1: what the pages do, for programs; described at /api/v1/openapi.json."""

from __future__ import annotations

from . import (
    compare,
    encoders,
    exports,
    groups,
    history,
    hunts,
    images,
    jobs,
    labels,
    maps,
    matches,
    review,
    search,
    sources,
    status,
    tokens,
    training,
    users,
)
from .blueprint import api

__all__ = [
    "api",
    "compare",
    "encoders",
    "exports",
    "groups",
    "history",
    "hunts",
    "images",
    "jobs",
    "labels",
    "maps",
    "matches",
    "review",
    "search",
    "sources",
    "status",
    "tokens",
    "training",
    "users",
]
