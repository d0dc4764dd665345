"""Fingerprints are kept up to a number of images; the one that was read first makes room for another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from catalog.artifacts import ArtifactStore
from catalog.images import Thumbnail
from catalog.ledger import Ledger
from curate import fingerprints
from curate.fingerprints import Fingerprints, fingerprint
from tests.photos import jpeg, scene

PICTURES = {number: jpeg(scene("sky", number)) for number in range(1, 6)}
TORN = 6


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The images that the ledger was asked for; each has a thumbnail but those that there are not."""
    ids: list[int] = []

    def images(ledger: Ledger, wanted: Iterable[int]) -> dict[int, SimpleNamespace]:
        ids.extend(wanted)
        there = {*PICTURES, TORN}
        return {one: SimpleNamespace(thumbnail=Thumbnail(f"packs/{one}", 0, 1 << 20)) for one in wanted if one in there}

    monkeypatch.setattr(fingerprints, "get_images", images)
    return ids


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Fingerprints]:
    """Keeps three."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    store = ArtifactStore(tmp_path / "artifacts")
    for number, picture in {**PICTURES, TORN: b"torn"}.items():
        store.put(f"packs/{number}", picture)
    yield Fingerprints(ledger, store, kept=3)
    ledger.close()


def test_what_is_kept_is_not_read_again_and_the_first_makes_room(few: Fingerprints, asked: list[int]) -> None:
    few.of([1, 2, 3])
    few.of([3, 1])
    assert asked == [1, 2, 3]
    few.of([4])
    few.of([2, 3, 4])
    assert asked == [1, 2, 3, 4]
    few.of([1])
    assert asked == [1, 2, 3, 4, 1]


def test_each_image_has_its_own_whatever_has_made_room(few: Fingerprints, asked: list[int]) -> None:
    for wanted in ([1, 2], [3, 4, 5, 1], [5, 4, 3, 2, 1], [2, 7, TORN]):
        found = few.of(wanted)
        assert list(found) == [one for one in wanted if one in PICTURES]
        for one, prints in found.items():
            assert np.array_equal(prints, fingerprint(PICTURES[one]))


def test_what_was_handed_out_stays_as_it_is(few: Fingerprints, asked: list[int]) -> None:
    few.of([1])
    kept = few.of([1])[1]
    few.of([2, 3, 4, 5])
    assert np.array_equal(kept, fingerprint(PICTURES[1]))
