"""Many files decoded in their order, in child processes, a few groups ahead of whoever takes them."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

from catalog.storage.pictures import PictureStorage
from ingest.channel import Group
from ingest.decode import MAX_PIXELS, Decoded, DecodeError
from ingest.pool import DecodePool, FileToRead, PoolError, cut_groups
from ingest.reading import PictureReader

AHEAD = 2  # groups for each child


def decode_files(
    files: Sequence[FileToRead],
    sizes: Sequence[int],
    *,
    size: int,
    processes: int = 0,
    max_pixels: int = MAX_PIXELS,
    storage: PictureStorage | None = None,
) -> Iterator[list[Decoded | DecodeError]]:
    """What each file gives, in lists that together are as long as `files`; `sizes` are theirs in bytes.

    Pictures are (size, size, 3). A hostile file costs itself only, as in an ingest; no thumbnail is made.
    """
    with (
        DecodePool(processes, size=size, thumbnail_side=0, max_pixels=max_pixels) as pool,
        contextlib.closing(PictureReader(pool, storage)) as reader,
    ):
        under_way: deque[Future[Group]] = deque()
        for group in cut_groups(files, sizes, group_files=pool.group_files):
            under_way.append(reader.submit(group))
            if len(under_way) > AHEAD * pool.processes:
                yield _results(under_way.popleft())
        while under_way:
            yield _results(under_way.popleft())


def _results(future: Future[Group]) -> list[Decoded | DecodeError]:
    results: list[Decoded | DecodeError] = []
    for result in future.result().results:
        if isinstance(result, bytes):
            raise PoolError("a decode process answered with a view where a picture was asked for")
        results.append(result)
    return results
