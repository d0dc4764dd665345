"""An empty album for each test, and a collection in which hunts go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog.artifacts import ArtifactStore
from catalog.held_vectors import MOST_ROWS
from catalog.index import VectorIndex
from catalog.ledger import Ledger
from tests.catalog.index.world import World
from tests.curate.album import Album
from tests.curate.person import OF_CLASS, OTHERS, Person


@pytest.fixture
def album(tmp_path: Path) -> Iterator[Album]:
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    yield Album(ledger, ArtifactStore(tmp_path / "artifacts"))
    ledger.close()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, milvus_lite_url: str) -> Iterator[World]:
    """3,200 images, the first 2,000 of them of one kind, which is easy to tell."""
    index = VectorIndex(milvus_lite_url)
    world = World.make(tmp_path_factory.mktemp("hunt"), index)
    random = np.random.default_rng(5)
    rows = random.normal(size=(OF_CLASS + OTHERS, world.encoder.dimension)).astype(np.float32)
    rows[:OF_CLASS, 0] += 5
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    world.ingest([str(n) for n in range(len(rows))], vectors=rows)
    world.work()
    yield world
    world.close()
    index.close()


@pytest.fixture(params=[MOST_ROWS, 0], ids=["all-compared", "index-asked"])
def person(world: World, request: pytest.FixtureRequest) -> Person:
    return Person(world, compare_up_to=request.param)
