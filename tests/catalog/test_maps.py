"""Maps in the artifact store: asked for, told of, found again, and plain about what is not there."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from catalog import maps
from catalog.artifacts import ArtifactStore
from catalog.maps import MapNotReady, MapProgress, MapSpec, UnknownMap

SPEC = MapSpec(encoder_id="a" * 64, dimensions=2, label_ids=(3, 5), most=500)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path)


def test_what_is_asked_for_is_found_again_by_what_it_says(store: ArtifactStore) -> None:
    assert maps.list_maps(store) == []
    asked = maps.ask(store, SPEC)
    assert asked.progress.state == "waiting"
    same = MapSpec(encoder_id="a" * 64, dimensions=2, label_ids=(3, 5), most=500)
    assert maps.get_map(store, same.id).spec == SPEC
    assert MapSpec(encoder_id="a" * 64, dimensions=3, label_ids=(3, 5), most=500).id != SPEC.id
    maps.ask(store, MapSpec(encoder_id="b" * 64, dimensions=3))
    maps.tell(store, SPEC.id, MapProgress("done", share=1.0, images=4))
    assert [one.spec.encoder_id[0] for one in maps.list_maps(store)] == ["a", "b"]


def test_points_are_there_when_they_are_drawn_and_stay_while_drawn_again(store: ArtifactStore) -> None:
    maps.ask(store, SPEC)
    with pytest.raises(MapNotReady):
        maps.load_points(store, SPEC.id)
    ids, positions = np.arange(4), np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    maps.save_points(store, SPEC.id, ids, positions)
    maps.ask(store, SPEC, anew=True)
    found = maps.load_points(store, SPEC.id)
    assert np.array_equal(found[0], ids) and np.array_equal(found[1], positions)
    maps.delete_map(store, SPEC.id)
    assert list(store.list("maps")) == []
    with pytest.raises(UnknownMap):
        maps.delete_map(store, SPEC.id)


def test_a_drawing_that_nobody_speaks_of_is_silent(store: ArtifactStore) -> None:
    now = time.time()
    assert not MapProgress("drawing", at=now).silent
    assert MapProgress("drawing", at=now - 2 * maps.SILENT_S).silent
    assert not MapProgress("done", at=now - 2 * maps.SILENT_S).silent


def test_a_drawing_that_ended_just_before_the_clock_was_set_back_is_silent() -> None:
    back_s = 300.0
    at = time.time() + back_s
    assert MapProgress("drawing", at=at).silent and MapProgress("waiting", at=at).silent
    assert not MapProgress("done", at=at).silent
    assert not MapProgress("drawing", at=time.time() + 10).silent, "the clock of the machine that draws goes before"


@pytest.mark.parametrize("name", ["spec.json", "progress.json"])
@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"state": 1, "odd": 2}'])
def test_a_damaged_map_is_as_good_as_none(store: ArtifactStore, name: str, damage: bytes) -> None:
    maps.ask(store, SPEC)
    store.put(f"maps/{SPEC.id}/{name}", damage)
    with pytest.raises(UnknownMap):
        maps.get_map(store, SPEC.id)
    assert maps.list_maps(store) == []


@pytest.mark.parametrize("map_id", ["../secrets", "a/../b", "", "é"])
def test_an_id_is_no_path(store: ArtifactStore, map_id: str) -> None:
    with pytest.raises(UnknownMap):
        maps.get_map(store, map_id)
