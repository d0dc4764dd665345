"""What has been learnt of a chunk so far: its good and bad files, new thumbnails and vectors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np

from catalog.chunks import ChunkItem, ClaimedChunk
from catalog.embedded import NOTHING, seen_before
from catalog.embeddings import BadPlace, DecodedFile
from catalog.ledger import Ledger
from catalog.storage.address import is_object
from ingest.channel import Group
from ingest.decode import Decoded, DecodeError
from ingest.forward import Embedded, Forward, Vectors
from ingest.raster import Pixels
from ingest.thumbnails import ThumbnailPack


class Gathered:
    """Fills up group by group; complete when `left` is 0 and `flush` has run."""

    def __init__(self, ledger: Ledger, chunk: ClaimedChunk, *, forward: Forward, batch: int) -> None:
        self.chunk = chunk
        self.left = len(chunk.items)
        self.files: list[DecodedFile] = []
        self.bad: list[BadPlace] = []
        self.pack = ThumbnailPack()
        self.embedded: list[str] = []  # sha256 of the rows of vectors()
        self.seconds: dict[str, float] = dict.fromkeys(("read", "hash", "decode", "thumbnail", "lookup", "embed"), 0.0)
        self._ledger = ledger
        self._forward = forward
        self._batch = batch
        self._waiting: list[tuple[ChunkItem, Decoded]] = []
        self._thumbnails: dict[str, tuple[int, int]] = {}
        self._batches: list[Future[Embedded]] = []

    @property
    def not_read(self) -> bool:
        """Whether a file was not found or not read: perhaps by the machine's fault."""
        return any(bad.kind in ("vanished", "unreadable") for bad in self.bad)

    def take(self, items: Sequence[ChunkItem], group: Group) -> None:
        """Adds the results of a group; has them embedded when there are `batch` of them."""
        self.left -= len(items)
        for item, result in zip(items, group.results, strict=True):
            if isinstance(result, Decoded):
                self._waiting.append((item, result))
            else:
                error = result if isinstance(result, DecodeError) else DecodeError("damaged", "not a picture")
                self.bad.append(BadPlace(place_id=item.place_id, kind=error.kind, reason=error.reason))
        seconds = group.seconds
        for name in ("read", "hash", "decode", "thumbnail"):
            self.seconds[name] += getattr(seconds, name)
        if len(self._waiting) >= self._batch or not self.left:
            self.flush()

    def flush(self) -> None:
        """Hands what waits to the network, each picture once, except what this encoder has embedded before."""
        started = time.perf_counter()
        hashes = {decoded.sha256 for _, decoded in self._waiting} - self._thumbnails.keys()
        # Others may have embedded a picture before, or this one whose shard was lost: then its thumbnail is stored.
        seen = seen_before(self._ledger, encoder_id=self.chunk.encoder_id, sha256s=hashes) if hashes else NOTHING
        self.seconds["lookup"] += time.perf_counter() - started
        fresh: list[Pixels] = []
        for item, decoded in self._waiting:
            if decoded.sha256 not in self._thumbnails:
                if decoded.sha256 in seen.embedded:
                    self._thumbnails[decoded.sha256] = (0, 0)
                else:
                    add = decoded.sha256 not in seen.with_thumbnail
                    self._thumbnails[decoded.sha256] = self.pack.add(decoded.thumbnail) if add else (0, 0)
                    self.embedded.append(decoded.sha256)
                    fresh.append(decoded.pixels)
            self.files.append(_file(item, decoded, self._thumbnails[decoded.sha256]))
        self._waiting.clear()
        if fresh:
            self._batches.append(self._forward.submit(np.stack(fresh)))

    def vectors(self) -> Vectors:
        """(n, d), in the order of `embedded`; waits for the network and raises what it raised."""
        results = [batch.result() for batch in self._batches]
        self.seconds["embed"] = sum(seconds for _, seconds in results)
        return np.concatenate([vectors for vectors, _ in results]) if results else np.empty((0, 0), dtype=np.float32)


def _file(item: ChunkItem, decoded: Decoded, thumbnail: tuple[int, int]) -> DecodedFile:
    fetched = is_object(item.root)  # its bytes came without a file: what the listing said of it holds
    return DecodedFile(
        place_id=item.place_id,
        sha256=decoded.sha256,
        pixel_hash=decoded.pixel_hash,
        width=decoded.width,
        height=decoded.height,
        bytes=decoded.bytes,
        format=decoded.format,
        mtime_ns=item.mtime_ns if fetched else decoded.mtime_ns,
        size=item.size if fetched else decoded.file_size,
        thumbnail_offset=thumbnail[0],
        thumbnail_length=thumbnail[1],
    )
