"""The PostgreSQL server that benchmarks use too, for tests that need one."""

from __future__ import annotations

import pytest

from bench import postgresql_server
from bench.postgresql_server import PROGRAMS

__all__ = ["PROGRAMS", "PostgreSQL"]


class PostgreSQL(postgresql_server.PostgreSQL):
    """A test that makes one is skipped where its programs are not installed."""

    def __post_init__(self) -> None:
        if not postgresql_server.PROGRAMS:
            pytest.skip("no PostgreSQL found: install Debian's package `postgresql`")
        super().__post_init__()
