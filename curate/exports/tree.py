"""A tree of folders with photos in it, wherever it lies: in a folder of the disk, or in an archive."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from catalog.labelled import LabelledImage
from catalog.storage.errors import StoreError
from catalog.storage.pictures import PictureStorage
from curate.exports.formats import Photos
from curate.exports.photos import BLOCK, MOST_BYTES, place_photo
from curate.exports.zip_writer import ZipWriter


class Tree(Protocol):
    """Takes photos and texts under names like `folder/photo.jpg`."""

    def photo(self, image: LabelledImage, name: str) -> bool:
        """Put the image's photo there; False when none of its files holds the labelled bytes any more."""

    def text(self, source: BinaryIO, name: str) -> Iterator[None]:
        """Put there all that `source` holds from its beginning on, step by step."""


class FolderTree:
    """A tree in a folder that is there."""

    def __init__(self, root: Path, *, photos: Photos, storage: PictureStorage) -> None:
        self._root, self._photos, self._storage = root, photos, storage

    def photo(self, image: LabelledImage, name: str) -> bool:
        """A copy or a link, as was asked for."""
        target = self._root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return place_photo(image, target, mode=self._photos, storage=self._storage)

    def text(self, source: BinaryIO, name: str) -> Iterator[None]:
        """A file of its own."""
        target = self._root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source.seek(0)
        with target.open("xb") as sink:
            while block := source.read(BLOCK):
                sink.write(block)
                yield


class ZipTree:
    """A tree in a ZIP archive."""

    def __init__(self, archive: ZipWriter, *, storage: PictureStorage) -> None:
        self._archive, self._storage = archive, storage

    def photo(self, image: LabelledImage, name: str) -> bool:
        """A copy, which is compared by its hash before it is written: an archive takes nothing back."""
        for file in image.files:
            try:
                data = b"".join(self._storage.blocks(file.path, max_bytes=MOST_BYTES))
            except (OSError, StoreError):
                continue
            if hashlib.sha256(data).hexdigest() == image.sha256:
                self._archive.add(name, data)
                return True
        return False

    def text(self, source: BinaryIO, name: str) -> Iterator[None]:
        """An entry of its own."""
        return self._archive.copy(name, source)
