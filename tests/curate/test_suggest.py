"""Suggestions follow the ledger: every decision counts from the next search on, and only new vectors are read."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from catalog.embeddings import locate
from catalog.images import delete_images
from catalog.labels import ensure_label, rename_label, undo
from catalog.shards import ShardDamaged
from curate.suggest import Suggester
from tests.curate.album import ENCODER, Album, around


@pytest.fixture
def suggester(album: Album) -> Suggester:
    return Suggester(album.ledger, album.store)


def names(suggester: Suggester, image_ids: list[int], **more: dict[int, list[int]]) -> list[str | None]:
    found = suggester.suggest(encoder_id=ENCODER, image_ids=image_ids, **more)
    return [found[image_id].name if image_id in found else None for image_id in image_ids]


def test_an_image_gets_the_label_of_its_neighbours(album: Album, suggester: Suggester) -> None:
    planes, ships = album.add(around(0, 20)), album.add(around(1, 20))
    new = album.add(np.concatenate([around(0, 2, seed=1), around(1, 1, seed=1)]))
    assert names(suggester, new) == [None, None, None]
    album.decide("plane", planes)
    album.decide("ship", ships)
    found = suggester.suggest(encoder_id=ENCODER, image_ids=new)
    assert [found[image_id].name for image_id in new] == ["plane", "plane", "ship"]
    assert found[new[0]].share > 0.9
    assert found[new[0]].colour.startswith("#")
    assert found[new[0]].label_id == ensure_label(album.ledger, "plane").id


def test_nothing_is_suggested_for_nothing(album: Album, suggester: Suggester) -> None:
    assert suggester.suggest(encoder_id=ENCODER, image_ids=[]) == {}
    assert suggester.suggest(encoder_id=ENCODER, image_ids=[1, 2, 3]) == {}
    album.decide("plane", album.add(around(0, 3)))
    assert suggester.suggest(encoder_id=ENCODER, image_ids=[987654]) == {}
    assert suggester.suggest(encoder_id="f" * 64, image_ids=[1]) == {}


def test_undone_deleted_and_renamed_labels_are_followed(album: Album, suggester: Suggester) -> None:
    planes, ships = album.add(around(0, 8)), album.add(around(1, 8))
    [new] = album.add(around(0, 1, seed=1))
    batch = album.decide("plane", planes)
    album.decide("ship", ships)
    assert names(suggester, [new]) == ["plane"]
    rename_label(album.ledger, ensure_label(album.ledger, "plane").id, "aeroplane")
    assert names(suggester, [new]) == ["aeroplane"]
    undo(album.ledger, batch, author="wei", key="u")
    assert names(suggester, [new]) in (["ship"], [None])
    delete_images(album.ledger, ships)
    album.decide("cloud", planes[:1])
    assert names(suggester, [new]) == ["cloud"]


def test_what_was_refused_is_not_suggested_again(album: Album, suggester: Suggester) -> None:
    planes = album.add(around(0, 10))
    [new] = album.add(around(0, 1, seed=1))
    album.decide("plane", planes)
    album.decide("bird", planes[:2])
    plane = ensure_label(album.ledger, "plane").id
    assert names(suggester, [new]) == ["plane"]
    assert names(suggester, [new], refused={new: [plane]}) == ["bird"]
    assert names(suggester, [new], refused={new + 1: [plane], new: [987654]}) == ["plane"]


def test_only_vectors_that_are_new_are_read(
    album: Album, suggester: Suggester, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes, ships = album.add(around(0, 30)), album.add(around(1, 30))
    [new] = album.add(around(0, 1, seed=1))
    album.decide("plane", planes)
    read: list[set[int]] = []

    def watched(ledger: object, *, encoder_id: str, image_ids: list[int]) -> object:
        read.append(set(image_ids))
        return locate(album.ledger, encoder_id=encoder_id, image_ids=image_ids)

    monkeypatch.setattr("curate.suggest.locate", watched)
    names(suggester, [new])
    names(suggester, [new])
    album.decide("ship", ships[:3])
    assert names(suggester, [new]) == ["plane"]
    assert [one for one in read if one != {new}] == [set(planes), set(ships[:3])]


def test_no_more_is_kept_than_allowed_and_every_label_has_its_share(album: Album) -> None:
    kept = Suggester(album.ledger, album.store, kept=20)
    for direction, rows in ((0, 40), (1, 40), (2, 3)):
        album.decide(f"label {direction}", album.add(around(direction, rows)))
    new = album.add(np.concatenate([around(direction, 1, seed=9) for direction in range(3)]))
    assert names(kept, new) == ["label 0", "label 1", "label 2"]
    assert kept._labelled is not None
    assert len(kept._labelled.ids) == 6 + 6 + 3


def test_another_encoder_has_vectors_of_its_own(album: Album, suggester: Suggester) -> None:
    planes = album.add(around(0, 5))
    album.add(around(3, 5, dimension=8), encoder_id="f" * 64, first=planes[0])
    [new] = album.add(around(0, 1, seed=1))
    album.add(around(3, 1, seed=2, dimension=8), encoder_id="f" * 64, first=new)
    album.decide("plane", planes)
    for encoder_id in (ENCODER, "f" * 64, ENCODER):
        assert suggester.suggest(encoder_id=encoder_id, image_ids=[new])[new].name == "plane"


def test_labelled_images_that_are_embedded_later_are_found_later(
    album: Album, suggester: Suggester, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes = album.add(around(0, 5))
    album.decide("plane", planes)
    [new] = album.add(around(0, 1, seed=1), encoder_id=ENCODER)
    album.add(around(0, 1, dimension=8), encoder_id="f" * 64, first=new)
    assert suggester.suggest(encoder_id="f" * 64, image_ids=[new]) == {}
    album.add(around(0, 5, dimension=8), encoder_id="f" * 64, first=planes[0])
    monkeypatch.setattr("curate.suggest.RETRY_MISSING_S", 0.0)
    assert suggester.suggest(encoder_id="f" * 64, image_ids=[new])[new].name == "plane"


def test_a_damaged_shard_is_named(album: Album, suggester: Suggester) -> None:
    planes = album.add(around(0, 5))
    album.decide("plane", planes)
    [new] = album.add(around(0, 1, seed=1))
    album.store.put(album.shards[0], b"damaged")
    with pytest.raises(ShardDamaged, match=album.shards[0]):
        suggester.suggest(encoder_id=ENCODER, image_ids=[new])


def test_many_searches_at_once_agree(album: Album, suggester: Suggester) -> None:
    planes, ships = album.add(around(0, 50)), album.add(around(1, 50))
    new = album.add(np.concatenate([around(0, 5, seed=1), around(1, 5, seed=1)]))
    album.decide("plane", planes[:10])
    album.decide("ship", ships[:10])
    answers: list[list[str | None]] = []

    def search() -> None:
        for _ in range(10):
            answers.append(names(suggester, new))

    threads = [threading.Thread(target=search) for _ in range(8)]
    for thread in threads:
        thread.start()
    for start in range(10, 50, 10):
        album.decide("plane", planes[start : start + 10])
        album.decide("ship", ships[start : start + 10])
    for thread in threads:
        thread.join()
    assert answers == [["plane"] * 5 + ["ship"] * 5] * 80
