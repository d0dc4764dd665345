"""Picture files as a source of a training: decoded in child processes, as an ingest does it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from catalog.storage.pictures import PictureStorage
from encoder.training.gathering import Found
from ingest.bulk import decode_files
from ingest.decode import MAX_PIXELS, Decoded
from ingest.pool import FileToRead


class PictureFiles:
    """Files, each with its size in bytes, called `name` together. A hostile one costs itself only."""

    def __init__(
        self,
        name: str,
        files: Sequence[FileToRead],
        sizes: Sequence[int],
        *,
        processes: int = 0,
        max_pixels: int = MAX_PIXELS,
        storage: PictureStorage | None = None,
    ) -> None:
        self.name = name
        self._files, self._sizes = files, sizes
        self._processes, self._max_pixels, self._storage = processes, max_pixels, storage

    def __len__(self) -> int:
        return len(self._files)

    def pictures(self, side: int) -> Iterator[Found]:
        """In the order that they were given in."""
        files = iter(self._files)
        decoded = decode_files(
            self._files,
            self._sizes,
            size=side,
            processes=self._processes,
            max_pixels=self._max_pixels,
            storage=self._storage,
        )
        for results in decoded:
            for result in results:
                file = next(files)
                path = file.path.removeprefix(file.root.rstrip(b"/") + b"/")
                name, folder = os.fsdecode(path), os.fsdecode(path.rpartition(b"/")[0].rpartition(b"/")[2])
                if isinstance(result, Decoded):
                    yield Found(name, folder, result.pixels, result.sha256)
                else:
                    yield Found(name, folder, None, reason=result.reason)
