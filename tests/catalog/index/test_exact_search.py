"""Comparing with every vector finds the nearest undecided images, whatever was decided, deleted or repaired."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog.exact_search import rank_all, search_all
from catalog.held_vectors import HeldVectors
from catalog.images import delete_images
from catalog.index import VectorIndex
from catalog.labels import Decision, ensure_label, record
from catalog.search_filter import SearchFilter
from catalog.shards import Shard
from tests.catalog.index.made import embeddings
from tests.catalog.index.world import World

MANY = 600


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Images in three shards; nothing here asks an index."""
    world = World.make(tmp_path, VectorIndex("http://127.0.0.1:1"))
    world.ingest([str(n) for n in range(MANY)], chunk=200)
    yield world
    world.ledger.close()


def shards_of(world: World) -> tuple[Shard, ...]:
    shards = HeldVectors(world.ledger, world.store).of(world.encoder.id)
    assert shards is not None
    return shards


def nearest(world: World, queries: np.ndarray, *, without: set[int]) -> list[int]:
    scored = {one: float((queries @ vector).max()) for one, vector in world.vectors.items() if one not in without}
    return sorted(scored, key=lambda one: -scored[one])


def decide(world: World, label: int, yes: list[int], no: list[int] | None = None) -> None:
    decisions = [Decision(one, label, "yes") for one in yes] + [Decision(one, label, "no") for one in no or []]
    record(world.ledger, key=f"{label}-{yes}-{no}"[:60], author="me", decisions=decisions)


@pytest.mark.parametrize("many", [1, 3])
def test_the_nearest_undecided_ones_come_best_first(world: World, many: int) -> None:
    queries = embeddings(many, seed=9, dimension=world.encoder.dimension)
    label = ensure_label(world.ledger, "cat", group="animal").id
    rival = ensure_label(world.ledger, "dog", group="animal").id
    ranked = nearest(world, queries, without=set())
    gone, found, rejected, other = set(ranked[0:30:4]), ranked[1:30:4], ranked[2:30:4], ranked[3:30:4]
    delete_images(world.ledger, gone)
    decide(world, label, found, rejected)
    decide(world, rival, other)
    wanted = SearchFilter(undecided=label, none_of=(rival,))
    expected = nearest(world, queries, without={*gone, *found, *rejected, *other})
    answer = search_all(
        world.ledger, shards_of(world), encoder_id=world.encoder.id, vectors=queries, k=40, wanted=wanted
    )
    assert [hit.image_id for hit in answer.hits] == expected[:40]
    assert not answer.exhausted
    for hit in answer.hits:
        assert hit.score == pytest.approx(float((queries @ world.vectors[hit.image_id]).max()), abs=1e-6)
    everything = rank_all(world.ledger, shards_of(world), vectors=queries, k=MANY, wanted=wanted)
    assert everything.tolist() == expected


def test_more_deleted_ones_than_are_asked_for_are_passed_over(world: World) -> None:
    query = embeddings(1, seed=9, dimension=world.encoder.dimension)
    ranked = nearest(world, query, without=set())
    delete_images(world.ledger, ranked[:300])
    wanted = SearchFilter(undecided=ensure_label(world.ledger, "cat").id)
    found = rank_all(world.ledger, shards_of(world), vectors=query, k=5, wanted=wanted)
    assert found.tolist() == ranked[300:305]


def test_a_row_that_is_in_two_shards_is_found_once(world: World) -> None:
    query = embeddings(1, seed=9, dimension=world.encoder.dimension)
    wanted = SearchFilter(undecided=ensure_label(world.ledger, "cat").id)
    twice = (*shards_of(world), shards_of(world)[0])
    found = rank_all(world.ledger, twice, vectors=query, k=MANY, wanted=wanted)
    assert found.tolist() == nearest(world, query, without=set())


def test_images_that_were_embedded_since_are_found(world: World) -> None:
    held = HeldVectors(world.ledger, world.store)
    held.of(world.encoder.id)
    (new,) = world.ingest(["new"], root="/more", seed=4)
    wanted = SearchFilter(undecided=ensure_label(world.ledger, "cat").id)
    shards = held.of(world.encoder.id)
    assert shards is not None
    found = rank_all(world.ledger, shards, vectors=world.vectors[new], k=1, wanted=wanted)
    assert found.tolist() == [new]


def test_too_many_rows_and_lost_shards_are_left_to_the_index(world: World) -> None:
    assert HeldVectors(world.ledger, world.store, most=MANY - 1).of(world.encoder.id) is None
    held = HeldVectors(world.ledger, world.store, most=MANY)
    assert held.of(world.encoder.id) is not None
    assert held.of("no such encoder") == ()
    next((Path(world.store.url.removeprefix("file://")) / "shards").rglob("*.safetensors")).unlink()
    assert held.of(world.encoder.id) is None


def test_other_conditions_are_refused(world: World) -> None:
    label = ensure_label(world.ledger, "cat").id
    query = embeddings(1, seed=9, dimension=world.encoder.dimension)
    for wanted in (SearchFilter(), SearchFilter(undecided=label, min_score=0.2), SearchFilter(label_ids=(label,))):
        with pytest.raises(ValueError, match="undecided"):
            rank_all(world.ledger, shards_of(world), vectors=query, k=5, wanted=wanted)
