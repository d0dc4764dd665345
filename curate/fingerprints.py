"""Fingerprints of pictures: 32×32 colours, read from the thumbnails that ingest has packed, kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from catalog.artifacts import ArtifactError, ArtifactStore
from catalog.images import Thumbnail, get_images
from catalog.ledger import Ledger

SIDE = 32
KEPT = 4096  # 12 MB; to read one again takes 0.15 ms
READERS = 16  # at once, of an object store: each read is a request
ENOUGH = 48  # pixels that a thumbnail is decoded to at the least: libjpeg's own reductions cost nothing

Prints = npt.NDArray[np.uint8]  # (n, SIDE, SIDE, 3)
Weights = npt.NDArray[np.float32]


class Fingerprints:
    """Reads fingerprints. An image's bytes never change, so neither does what is kept of it."""

    def __init__(self, ledger: Ledger, store: ArtifactStore, *, kept: int = KEPT) -> None:
        self._ledger, self._store = ledger, store
        # One block, whose memory is taken as it fills: thousands of small pieces would lie between what others free.
        self._prints: Prints = np.empty((kept, SIDE, SIDE, 3), np.uint8)
        self._places: dict[int, int] = {}  # image id -> row
        self._ids = [-1] * kept  # of each row; -1 is no image's
        self._next = 0  # rows taken so far; where they are all taken, the one that was kept longest goes
        self._lock = threading.Lock()  # threads share it

    def of(self, image_ids: Iterable[int]) -> dict[int, Prints]:
        """The fingerprint (SIDE, SIDE, 3) of each image that has a readable thumbnail."""
        wanted = dict.fromkeys(image_ids)
        with self._lock:
            known = [one for one in wanted if one in self._places]
            rows = self._prints[[self._places[one] for one in known]]  # a copy: a row may be another's next
        have: dict[int, Prints] = dict(zip(known, rows, strict=True))
        if new := [one for one in wanted if one not in have]:
            images = get_images(self._ledger, new)
            where = {one: row.thumbnail for one, row in images.items() if row.thumbnail is not None}
            made = dict(zip(where, self._read(list(where.values())), strict=True))
            found = {one: prints for one, prints in made.items() if prints is not None}
            self._keep(found)
            have.update(found)
        return {one: have[one] for one in wanted if one in have}

    def _keep(self, found: Mapping[int, Prints]) -> None:
        with self._lock:
            for one, prints in found.items():
                if one not in self._places:
                    row = self._next % len(self._prints)
                    self._places.pop(self._ids[row], None)
                    self._prints[row], self._places[one], self._ids[row] = prints, row, one
                    self._next += 1

    def _read(self, where: Sequence[Thumbnail]) -> list[Prints | None]:
        if not where or self._store.local_path(where[0].pack) is not None:
            return [self._one(thumbnail) for thumbnail in where]
        with ThreadPoolExecutor(min(READERS, len(where))) as readers:
            return list(readers.map(self._one, where))

    def _one(self, thumbnail: Thumbnail) -> Prints | None:
        """A thumbnail that is lost or damaged has no fingerprint: its picture stands alone."""
        try:
            return fingerprint(self._store.get_range(thumbnail.pack, thumbnail.offset, thumbnail.length))
        except (ArtifactError, ValueError):
            return None


def fingerprint(thumbnail: bytes) -> Prints:
    """A JPEG's colours, averaged over SIDE × SIDE equal parts; ValueError when it is none.

    Thumbnails are our own encoder's work, from pixels: no byte of the file that was ingested is in them.
    """
    # Only where pages are folded: the web server starts without picture libraries.
    import simplejpeg

    height, width, _, _ = simplejpeg.decode_jpeg_header(thumbnail)
    pixels = simplejpeg.decode_jpeg(thumbnail, "RGB", fastdct=True, min_height=ENOUGH, min_width=ENOUGH)
    rows, columns = pixels.shape[:2]
    # Reduced to n eighths, a side is rounded up: the last pixel holds a part of the picture only.
    eighths = min(range(1, 9), key=lambda n: abs(-(-height * n // 8) - rows) + abs(-(-width * n // 8) - columns))
    down, across = averages(rows, height * eighths / 8), averages(columns, width * eighths / 8)
    narrow = (down @ pixels.reshape(rows, -1).astype(np.float32)).reshape(SIDE, columns, 3)
    made: Prints = np.rint(across @ narrow).astype(np.uint8)
    return made


@lru_cache(maxsize=512)
def averages(pixels: int, extent: float) -> Weights:
    """What each pixel (SIDE, pixels) adds to each of SIDE equal parts of `extent` pixels."""
    edges = np.arange(SIDE + 1) * extent / SIDE
    first = np.arange(pixels)
    overlap = np.minimum(edges[1:, None], first + 1) - np.maximum(edges[:-1, None], first)
    weights = np.clip(overlap, 0, None)
    made: Weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return made
