"""All vectors of an encoder, and all labels of all images, as columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from catalog import tables
from catalog.all_vectors import all_vectors
from catalog.artifacts import ArtifactStore
from catalog.encoders import change_metrics, get_encoder
from catalog.errors import UnknownEncoder
from catalog.label_pairs import label_pairs
from catalog.labels import ensure_label, merge_label
from catalog.ledger import Ledger
from catalog.search_filter import SearchFilter
from tests.curate.album import ENCODER, Album, around

OTHER = "f" * 64


@pytest.fixture
def album(ledger: Ledger, tmp_path: Path) -> Iterator[Album]:
    yield Album(ledger, ArtifactStore(tmp_path / "artifacts"))


def test_vectors_come_by_id_from_all_shards_of_the_encoder(album: Album) -> None:
    one, two, other = around(0, 5), around(1, 4), around(2, 5, dimension=8)
    album.add(one)
    album.add(two)
    album.add(other, encoder_id=OTHER, first=1)
    ids, vectors = all_vectors(album.ledger, album.store, encoder_id=ENCODER)
    assert ids.tolist() == list(range(1, 10))
    np.testing.assert_array_equal(vectors, np.concatenate([one, two]))
    assert all_vectors(album.ledger, album.store, encoder_id=OTHER)[1].shape == (5, 8)
    nobody = all_vectors(album.ledger, album.store, encoder_id="0" * 64)
    assert [part.shape for part in nobody] == [(0,), (0, 0)]


def test_deleted_images_and_those_that_do_not_meet_the_conditions_are_left_out(album: Album) -> None:
    vectors = around(0, 6)
    album.add(vectors)
    album.decide("plane", [1, 2, 5])
    plane = ensure_label(album.ledger, "plane").id
    with album.ledger.write() as connection:
        connection.execute(tables.image.update().where(tables.image.c.id == 5).values(deleted_at=1.0))
    ids, found = all_vectors(album.ledger, album.store, encoder_id=ENCODER, wanted=SearchFilter(label_ids=(plane,)))
    assert ids.tolist() == [1, 2]
    np.testing.assert_array_equal(found, vectors[:2])


def test_a_random_part_is_the_same_for_the_same_seed(album: Album) -> None:
    vectors = around(0, 50)
    album.add(vectors)
    parts = [all_vectors(album.ledger, album.store, encoder_id=ENCODER, most=20, seed=seed) for seed in (1, 1, 2)]
    assert parts[0][0].tolist() == parts[1][0].tolist() != parts[2][0].tolist()
    assert len(set(parts[2][0].tolist())) == 20
    np.testing.assert_array_equal(parts[2][1], vectors[parts[2][0] - 1])


def test_pairs_are_of_images_that_are_there_and_labels_as_they_are_today(album: Album) -> None:
    album.add(around(0, 6))
    album.decide("plane", [1, 2])
    album.decide("sky", [2, 3, 4])
    album.decide("plane", [5], "no")
    album.decide("aeroplane", [6])
    plane, sky, aeroplane = (ensure_label(album.ledger, name).id for name in ("plane", "sky", "aeroplane"))
    merge_label(album.ledger, aeroplane, into=plane, key="m", author="wei")
    with album.ledger.write() as connection:
        connection.execute(tables.image.update().where(tables.image.c.id == 4).values(deleted_at=1.0))
    images, labels = label_pairs(album.ledger)
    pairs = list(zip(images.tolist(), labels.tolist(), strict=True))
    assert pairs == [(1, plane), *sorted([(2, plane), (2, sky)]), (3, sky), (6, plane)]
    assert label_pairs(album.ledger, [sky])[0].tolist() == [2, 3]
    assert label_pairs(album.ledger, [])[0].tolist() == []


def test_metrics_change_in_one_step(album: Album) -> None:
    album.add(around(0, 1))
    change_metrics(album.ledger, ENCODER, lambda before: {**before, "knn": 0.5})
    changed = change_metrics(album.ledger, ENCODER, lambda before: {**before, "probe": 0.6})
    assert changed.metrics == {"knn": 0.5, "probe": 0.6} == get_encoder(album.ledger, ENCODER).metrics
    with pytest.raises(UnknownEncoder):
        change_metrics(album.ledger, OTHER, dict)
