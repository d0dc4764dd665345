"""An empty album for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from tests.curate.album import Album


@pytest.fixture
def album(tmp_path: Path) -> Iterator[Album]:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    yield Album(ledger, ArtifactStore(tmp_path / "artifacts"))
    ledger.close()
