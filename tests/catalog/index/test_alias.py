"""Outsiders find the collection of the encoder that serves under one name; on both servers."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from catalog.index import VectorIndex, VectorIndexError
from tests.catalog.index.world import World


@pytest.fixture
def other(index: VectorIndex) -> Iterator[str]:
    name = f"test_{uuid4().hex[:12]}"
    yield name
    index.drop(name)


def test_the_alias_leads_to_one_collection_and_then_to_another(world: World, index: VectorIndex, other: str) -> None:
    alias = f"alias_{uuid4().hex[:12]}"
    with pytest.raises(VectorIndexError):
        index.point_alias(alias, other)
    world.ingest(["a", "b", "c"])
    world.work()
    own = world.encoder.collection
    index.point_alias(alias, own)
    index.point_alias(alias, own)
    assert index.count(alias) == 3
    index.ensure_collection(other, world.encoder.dimension)
    index.point_alias(alias, other)
    assert index.count(alias) == 0
    index.drop(own)
    index.drop(other)
    with pytest.raises(VectorIndexError):
        index.count(alias)
