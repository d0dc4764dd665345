"""The PostgreSQL server of the tests; it is the one that `ruiji bench faults --engines` kills."""

from __future__ import annotations

from bench.postgresql_server import PROGRAMS, PostgreSQL

__all__ = ["PROGRAMS", "PostgreSQL"]
