"""A query's eight ways up: all different, the first as it came, and the one with the nearest neighbours chosen."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.ways_up import WAYS, WayUp, find_way, nearest_way, turned, ways_up
from tests.catalog.index.world import World

PICTURE = np.arange(3 * 3 * 3, dtype=np.uint8).reshape(3, 3, 3)


def test_the_eight_ways_are_all_there_is_and_the_first_is_as_it_came() -> None:
    views = ways_up(PICTURE)
    assert views.shape == (8, 3, 3, 3)
    assert np.array_equal(views[0], PICTURE)
    assert len({view.tobytes() for view in views}) == 8
    for way in WAYS:  # a picture that was turned has the same eight
        assert {view.tobytes() for view in ways_up(turned(PICTURE, way))} == {view.tobytes() for view in views}


def test_a_quarter_turn_is_anticlockwise_and_comes_before_the_mirror() -> None:
    corner = PICTURE[0, 2]  # top right
    assert np.array_equal(turned(PICTURE, WayUp(90, False))[0, 0], corner)
    assert np.array_equal(turned(PICTURE, WayUp(90, True))[0, 2], corner)


def test_the_mean_of_the_nearest_decides_and_a_copy_before_it() -> None:
    scores = np.full((3, 8, 5), 0.5, dtype=np.float32)
    scores[2, 1] = 0.9
    scores[2, 4, 0] = 0.999
    scores[0, 3] = 0.6
    scores[1, 2, 0] = 0.9  # one near image alone
    scores[1, 6] = 0.59
    assert nearest_way(scores).tolist() == [3, 6, 4]


@pytest.mark.parametrize("way", [0, 5])
def test_the_way_is_found_in_the_index(lite_world: World, way: int) -> None:
    lite_world.ingest([str(number) for number in range(12)])
    lite_world.work()
    collection, dimension = lite_world.encoder.collection, lite_world.encoder.dimension
    ids = lite_world.index.fetch_ids(collection)
    near = lite_world.index.fetch(collection, ids, vectors=True).vectors
    assert near is not None
    centre = near.mean(axis=0) / np.linalg.norm(near.mean(axis=0))
    vectors = np.tile(-centre, (8, 1)).astype(np.float32)
    vectors[way] = centre
    assert find_way(lite_world.index, collection, vectors) == way
    assert find_way(lite_world.index, "ruiji_nothing_yet", np.eye(8, dimension, dtype=np.float32)) == 0
