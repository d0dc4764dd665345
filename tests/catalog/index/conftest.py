"""Two servers for every test of the index: milvus-lite and Milvus 2.3.5."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from catalog.index import VectorIndex
from tests.catalog.index.world import World


@pytest.fixture(scope="session", params=["lite", pytest.param("milvus", marks=pytest.mark.milvus)])
def index_url(request: pytest.FixtureRequest) -> str:
    """The address of each server in turn."""
    return str(request.getfixturevalue("milvus_lite_url" if request.param == "lite" else "milvus_url"))


@pytest.fixture(scope="session")
def index(index_url: str) -> Iterator[VectorIndex]:
    """The index on each server."""
    index = VectorIndex(index_url)
    yield index
    index.close()


@pytest.fixture(scope="session")
def lite_index(milvus_lite_url: str) -> Iterator[VectorIndex]:
    """milvus-lite alone, for what does not depend on the server: making a collection takes Milvus 3 seconds."""
    index = VectorIndex(milvus_lite_url)
    yield index
    index.close()


@pytest.fixture
def world(tmp_path: Path, index: VectorIndex) -> Iterator[World]:
    """An empty world on each server."""
    world = World.make(tmp_path, index)
    yield world
    world.close()


@pytest.fixture
def lite_world(tmp_path: Path, lite_index: VectorIndex) -> Iterator[World]:
    """An empty world on milvus-lite alone."""
    world = World.make(tmp_path, lite_index)
    yield world
    world.close()


@pytest.fixture
def collection(index: VectorIndex) -> Iterator[str]:
    """The name of a collection that the test may make."""
    name = f"test_{uuid4().hex[:12]}"
    yield name
    index.drop(name)
