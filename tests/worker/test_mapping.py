"""Maps drawn from the ledger: new images are placed, old ones stay, and what fails is kept with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog import maps
from catalog.artifacts import ArtifactStore
from catalog.images import delete_images
from catalog.ledger import Ledger
from catalog.maps import MapSpec
from curate.mapped import look_at, mapped
from tests.curate.album import ENCODER, Album, around
from worker.mapping import draw_known

SPEC = MapSpec(encoder_id=ENCODER, dimensions=2, most=100)


@pytest.fixture
def album(tmp_path: Path) -> Iterator[Album]:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield Album(ledger, ArtifactStore(tmp_path / "artifacts"))
    ledger.close()


def kinds_of(album: Album, ids: list[int]) -> np.ndarray:
    """The positions (n, 2) of images on the map."""
    found, positions = maps.load_points(album.store, SPEC.id)
    return positions[[found.tolist().index(one) for one in ids]]


def test_images_that_came_since_are_placed_and_the_map_stays(album: Album) -> None:
    first, second = album.add(around(0, 25)), album.add(around(1, 25))
    maps.ask(album.store, SPEC)
    shares: list[float] = []
    done = draw_known(album.ledger, album.store, SPEC.id, progress=shares.append)
    assert (done.state, done.images, done.placed) == ("done", 50, 0)
    assert maps.get_map(album.store, SPEC.id).progress == done
    before = kinds_of(album, [*first, *second])
    late = album.add(around(1, 5, seed=9))
    delete_images(album.ledger, first[:2])
    maps.ask(album.store, SPEC)
    done = draw_known(album.ledger, album.store, SPEC.id)
    assert (done.images, done.placed) == (53, 5)
    assert np.array_equal(kinds_of(album, [*first[2:], *second]), before[2:])
    middles = before[:25].mean(axis=0), before[25:].mean(axis=0)
    gaps = [np.linalg.norm(kinds_of(album, late) - middle, axis=1) for middle in middles]
    assert (gaps[1] < gaps[0]).all()


def test_what_is_shown_has_the_labels_of_now_and_no_deleted_image(album: Album) -> None:
    ids = album.add(around(0, 6))
    maps.ask(album.store, SPEC)
    maps.save_points(album.store, SPEC.id, np.array(ids), np.arange(12, dtype=np.float32).reshape(6, 2))
    album.decide("cat", ids[1:3])
    album.decide("pet", ids[2:4])
    delete_images(album.ledger, ids[:1])
    shown = mapped(album.ledger, album.store, SPEC.id)
    assert shown.ids.tolist() == ids[1:]
    names = [[shown.labels[at].name for at in places] for places in shown.of]
    assert names == [["cat"], ["cat", "pet"], ["pet"], [], []]
    assert np.abs(shown.positions).max() == 1.0
    hits = look_at(album.ledger, album.store, np.array(ids), encoder_id=ENCODER)
    assert {hit.image_id for hit in hits} == set(ids[1:])
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_map_that_cannot_be_drawn_keeps_the_reason(album: Album) -> None:
    album.add(around(0, 3))
    maps.ask(album.store, SPEC)
    done = draw_known(album.ledger, album.store, SPEC.id)
    assert done.state == "failed" and done.error == "a map needs 4 photos or more; there are 3"
    assert maps.get_map(album.store, SPEC.id).progress == done


def test_a_lost_shard_fails_the_map_and_the_old_one_stays(album: Album) -> None:
    ids = album.add(around(0, 6))
    maps.ask(album.store, SPEC, anew=True)
    maps.save_points(album.store, SPEC.id, np.array(ids), np.ones((6, 2), np.float32))
    album.store.delete(album.shards[0])
    done = draw_known(album.ledger, album.store, SPEC.id)
    assert done.state == "failed" and "doctor --repair" in (done.error or "")
    assert maps.has_points(album.store, SPEC.id)
