"""Copies of a photo fold, other photos do not; what people have said keeps pictures apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from catalog.artifacts import ArtifactStore
from catalog.hits import Hit
from catalog.ledger import Ledger
from curate import folding
from curate.fingerprints import SIDE, Prints, fingerprint
from curate.folding import Folder, first_tiles, with_copies
from curate.near_identical import group
from tests.photos import KINDS, jpeg, scene

Change = Callable[[Image.Image], bytes]


def cropped(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    wide, high = picture.size
    return picture.crop((round(wide * left), round(high * top), round(wide * (1 - right)), round(high * (1 - bottom))))


CHANGES: dict[str, Change] = {
    "saved at quality 30": lambda picture: jpeg(picture, quality=30),
    "half the size": lambda picture: jpeg(picture.resize((48, 48))),
    "twice the size": lambda picture: jpeg(picture.resize((192, 192))),
    "5 % off two sides": lambda picture: jpeg(cropped(picture, 0.05, 0.05, 0, 0)),
    "4 % off all sides": lambda picture: jpeg(cropped(picture, 0.04, 0.04, 0.04, 0.04)),
    "lighter": lambda picture: jpeg(ImageEnhance.Brightness(picture).enhance(1.15)),
    "smaller, cropped and lighter": lambda picture: jpeg(
        ImageEnhance.Brightness(cropped(picture.resize((70, 70)), 0.03, 0, 0, 0.03)).enhance(1.1), quality=60
    ),
}


def prints(*pictures: bytes) -> Prints:
    return np.stack([fingerprint(picture) for picture in pictures])


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_folds_with_its_photo_whichever_comes_first(kind: str, change: Change) -> None:
    picture = scene(kind, 1)
    photo, copy, other = jpeg(picture), change(picture), jpeg(scene(kind, 2))
    assert group(prints(photo, other, copy)) == [[0, 2], [1]]
    assert group(prints(copy, other, photo)) == [[0, 2], [1]]


def test_of_300_other_photos_none_fold() -> None:
    photos = prints(*(jpeg(scene(kind, seed)) for kind in KINDS for seed in range(100)))
    assert group(photos) == [[place] for place in range(300)]


def test_pictures_with_nothing_in_them_stand_alone() -> None:
    plain = [jpeg(Image.new("RGB", (96, 96), colour)) for colour in ("white", "white", "#fefefe", "navy")]
    assert len(group(prints(*plain))) == len(plain)


def test_mirrored_and_turned_pictures_are_others() -> None:
    picture = scene("sky", 4)
    turned = [picture.transpose(way) for way in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_90)]
    assert len(group(prints(jpeg(picture), *map(jpeg, turned)))) == 3


def test_a_fingerprint_is_of_the_whole_picture_whatever_its_shape() -> None:
    wide = fingerprint(jpeg(scene("grass", 5).resize((240, 60))))
    square = fingerprint(jpeg(scene("grass", 5)))
    assert wide.shape == square.shape == (SIDE, SIDE, 3)
    assert np.abs(wide.astype(int) - square.astype(int)).mean() < 4


@pytest.mark.parametrize("torn", [b"", b"not a picture", jpeg(scene("sky", 6))[:200]])
def test_what_is_no_thumbnail_is_a_value_error(torn: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        fingerprint(torn)


def hits(*image_ids: int) -> list[Hit]:
    return [Hit(one, 1 - place / 100, False, (), None, 96, 96) for place, one in enumerate(image_ids)]


def test_a_page_takes_in_more_images_until_it_is_full_of_tiles() -> None:
    shown, folds = first_tiles(hits(1, 2, 3, 4, 5, 6), ((1, 3, 5),), tiles=3)
    assert [one.image_id for one in shown] == [1, 2, 3, 4, 5]
    assert folds == ((1, 3, 5),)


def test_results_keep_their_number_and_gain_the_copies_further_down() -> None:
    shown, folds = with_copies(hits(1, 2, 3, 4, 5, 6), ((2, 5), (4, 6)), k=3)
    assert [one.image_id for one in shown] == [1, 2, 3, 5]
    assert folds == ((2, 5),)


def test_of_very_many_results_those_that_rank_close_together_are_folded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(folding, "FOLDED_AT_ONCE", 2)
    one, other = jpeg(scene("sky", 7)), jpeg(scene("brick", 7))
    made = dict(enumerate(prints(one, one, other, one, other, other)))
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    folder = Folder(ledger, ArtifactStore(tmp_path / "artifacts"))
    monkeypatch.setattr(folder, "_prints", SimpleNamespace(of=lambda ids: made))
    assert folder.folds(hits(*made)) == ((0, 1), (4, 5))
    ledger.close()
