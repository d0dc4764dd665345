"""An album whose images are real photos in a real folder, some with names that make trouble."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import update

from catalog import tables
from catalog.labels import Label, ensure_label, list_labels
from catalog.sources import add_source
from tests.curate.album import Album, around
from tests.photos import jpeg, scene

NAMES = [
    b"one.jpg",
    b"two.jpg",
    b"other/one.jpg",
    b"=cmd|' /C calc'!A0.jpg",
    b'caf\xe9 "quoted"\nline.jpg',
    b"..hidden.jpg",
    "飞机 ✈.jpg".encode(),
    b"last",
]


@dataclass
class Shelf:
    """`ids` are the images of `paths`, in the same order."""

    album: Album
    root: Path
    paths: list[Path]
    ids: list[int]

    def labels(self, *names: str) -> list[Label]:
        known = {row.label.name: row.label for row in list_labels(self.album.ledger)}
        return [known[name] for name in names] if names else list(known.values())


def fill(album: Album, root: Path) -> Shelf:
    """Eight photos with vectors; no labels yet."""
    ids = album.add(around(0, len(NAMES)))
    source = add_source(album.ledger, root)
    paths = []
    with album.ledger.write() as connection:
        for number, (image_id, name) in enumerate(zip(ids, NAMES, strict=True)):
            path = Path(os.fsdecode(os.fsencode(root) + b"/" + name))
            path.parent.mkdir(parents=True, exist_ok=True)
            data = jpeg(scene("sky", number))
            path.write_bytes(data)
            paths.append(path)
            sha256 = hashlib.sha256(data).hexdigest()
            connection.execute(update(tables.image).where(tables.image.c.id == image_id).values(sha256=sha256))
            found = path.stat()
            connection.execute(
                tables.place.insert().values(
                    source_id=source.id,
                    path=name,
                    size=found.st_size,
                    mtime_ns=found.st_mtime_ns,
                    image_id=image_id,
                    state="known",
                )
            )
    return Shelf(album, root, paths, ids)


def with_labels(shelf: Shelf) -> Shelf:
    """Planes and, for some, a second label; one photo is said not to be a plane, and names that are hostile."""
    album, ids = shelf.album, shelf.ids
    ensure_label(album.ledger, "plane", group="vehicle")
    album.decide("plane", ids[:4])
    album.decide("plane", [ids[4]], "no")
    album.decide('=HYPERLINK("x")', ids[2:5])
    album.decide("../../etc", [ids[5]])
    album.decide("Plane", [ids[6]])
    return shelf


def vectors(shelf: Shelf) -> np.ndarray:
    return around(0, len(shelf.ids))
