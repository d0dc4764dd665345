"""Photos for ingest tests, and the check that ledger, shards and thumbnails agree on every one of them."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from catalog import images
from catalog.shards import read_shard
from ingest.decode import Decoded, decode_bytes
from ingest.thumbnails import get_thumbnail
from tests.ingest.bad_files import (
    noise,
    saved,
)
from tests.ingest.conftest import SIZE, Library


def write_photos(folder: Path, count: int, *, first: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        photo = Image.fromarray(noise(6, 6, seed=number)).resize((48, 48))
        (folder / f"{number:04d}.jpg").write_bytes(saved(photo, "JPEG"))


def check_every_image_once(library: Library) -> None:
    """Ledger, shards and thumbnails agree, and each vector is that of its image's file."""
    alive = {row["id"]: row for row in library.rows("image") if row["deleted_at"] is None}
    rows = library.rows("embedding")
    assert sorted(str(row["image_id"]) for row in rows) == sorted(map(str, alive))
    shards = {
        row["id"]: read_shard(library.store, str(row["key"]), str(row["sha256"])) for row in library.rows("shard")
    }
    assert sum(len(shard.ids) for shard in shards.values()) == len(alive)
    for row in rows:
        shard, place = shards[row["shard_id"]], int(str(row["row"]))
        image = images.get_images(library.ledger, [int(str(row["image_id"]))])[int(str(row["image_id"]))]
        assert shard.ids[place] == image.id
        path = images.places_of(library.ledger, image.id)[0]
        decoded = decode_bytes(Path(os.fsdecode(path.root), os.fsdecode(path.path)).read_bytes(), size=SIZE)
        assert isinstance(decoded, Decoded)
        expected = library.embed(decoded.pixels[None])[0]
        assert float(shard.vectors[place] @ expected) > 0.9999
        assert decoded.sha256 == image.sha256
        assert (decoded.width, decoded.height, decoded.format) == (image.width, image.height, image.format)
        assert image.thumbnail is not None
        thumbnail = image.thumbnail
        found = get_thumbnail(library.store, thumbnail.pack, offset=thumbnail.offset, length=thumbnail.length)
        assert found == decoded.thumbnail
