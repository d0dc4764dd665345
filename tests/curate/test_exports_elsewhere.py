"""Exports of photos that this machine has under another path, or that lie in a bucket."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from sqlalchemy import update

from catalog import tables
from catalog.storage.objects import ObjectStores
from catalog.storage.path_map import PathMap
from catalog.storage.pictures import PictureStorage
from curate.exports.export import Exported, ExportRefused, export
from curate.exports.formats import Format, Photos
from curate.exports.stream import stream
from tests.curate.album import Album
from tests.curate.shelf import NAMES, Shelf, fill, with_labels

PLANES = NAMES[:4]


@pytest.fixture
def shelf(album: Album, tmp_path: Path) -> Shelf:
    return with_labels(fill(album, tmp_path / "photos"))


@pytest.fixture
def in_bucket(shelf: Shelf) -> Iterator[Shelf]:
    """The same photos as objects, and no file any more."""
    files = fsspec.filesystem("memory")
    for name in PLANES:
        files.pipe(f"/shelf/album/{name.decode()}", (shelf.root / name.decode()).read_bytes())
    with shelf.album.ledger.write() as connection:
        connection.execute(update(tables.source).values(root=b"memory://shelf/album"))
    yield shelf
    files.rm("/shelf", recursive=True)


def planes(shelf: Shelf, target: Path, storage: PictureStorage, photos: Photos = Photos.COPY) -> Exported:
    labels = shelf.labels("plane")
    options = {"labels": labels, "format": Format.IMAGEFOLDER, "target": target}
    return export(shelf.album.ledger, shelf.album.store, photos=photos, storage=storage, **options)  # type: ignore[arg-type]


def test_photos_are_copied_and_linked_from_where_this_machine_has_them(shelf: Shelf, tmp_path: Path) -> None:
    here = tmp_path / "mnt"
    storage = PictureStorage(path_map=PathMap(((os.fsencode(shelf.root), os.fsencode(here)),)))
    assert planes(shelf, tmp_path / "before", storage).missing == len(PLANES), "nothing is mounted there yet"
    shelf.root.rename(here)
    for photos in Photos:
        done = planes(shelf, tmp_path / photos.value, storage, photos)
        assert (done.images, done.missing) == (len(PLANES), 0)
    assert all(path.readlink().is_relative_to(here) for path in (tmp_path / "symlink" / "plane").iterdir())
    options = {"labels": shelf.labels("plane"), "format": Format.IMAGEFOLDER, "storage": storage}
    archive = b"".join(stream(shelf.album.ledger, shelf.album.store, **options))  # type: ignore[arg-type]
    assert (here / "one.jpg").read_bytes() in archive


def test_photos_of_a_bucket_are_copied_compared_and_never_linked(in_bucket: Shelf, tmp_path: Path) -> None:
    storage = PictureStorage(objects=ObjectStores(schemes=["memory"]))
    fsspec.filesystem("memory").pipe("/shelf/album/two.jpg", b"another picture by now")
    done = planes(in_bucket, tmp_path / "out", storage)
    assert (done.images, done.missing) == (len(PLANES) - 1, 1)
    assert "memory://shelf/album/two.jpg" in done.missing_named[0]
    with pytest.raises(ExportRefused, match="--files copy"):
        planes(in_bucket, tmp_path / "linked", storage, Photos.SYMLINK)
    assert planes(in_bucket, tmp_path / "none", PictureStorage()).missing == len(PLANES), "not allowed on this machine"


def test_label_studio_is_given_the_address_of_an_object(in_bucket: Shelf, tmp_path: Path) -> None:
    labels = in_bucket.labels("plane")
    target = tmp_path / "tasks.json"
    export(in_bucket.album.ledger, in_bucket.album.store, labels=labels, format=Format.LABELSTUDIO, target=target)
    named = [task["data"]["image"] for task in json.loads(target.read_text())]
    assert named == [f"memory://shelf/album/{name.decode()}" for name in PLANES]
