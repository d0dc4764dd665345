"""Files -> vectors with no ledger: for measuring, and for whoever only wants the embeddings of some files."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.decode import Decoded, DecodeError
from ingest.forward import Embed, Embedded, Forward
from ingest.pool import DecodePool, FileToRead, Group, cut_groups
from ingest.raster import Pixels

_AHEAD = 4  # groups that wait to be embedded, for each decode child


@dataclass(frozen=True, slots=True)
class FileVectors:
    """A batch: `vectors` (n, d) of the files numbered `indices`; or the files of a group that failed."""

    indices: list[int]
    vectors: NDArray[np.float32]
    failed: list[tuple[int, DecodeError]]


def embed_files(
    paths: Sequence[bytes],
    *,
    embed: Embed,
    pool: DecodePool,
    batch: int = 128,
) -> Iterator[FileVectors]:
    """Every file once, in order; children decode while a thread embeds."""
    groups = cut_groups(
        [FileToRead(path) for path in paths], [_size(path) for path in paths], group_files=pool.group_files
    )
    flying: deque[Future[Group]] = deque()
    forward = Forward(embed)
    embedded: deque[tuple[list[int], Future[Embedded]]] = deque()
    indices: list[int] = []
    pictures: list[Pixels] = []
    position = 0
    try:
        while position < len(paths):
            while len(flying) < _AHEAD * pool.processes and (group := next(groups, None)) is not None:
                flying.append(pool.submit(group))
            failed = []
            for result in flying.popleft().result().results:
                if isinstance(result, Decoded):
                    indices.append(position)
                    pictures.append(result.pixels)
                elif isinstance(result, DecodeError):
                    failed.append((position, result))
                position += 1
            if failed:
                yield FileVectors([], np.empty((0, 0), dtype=np.float32), failed)
            if pictures and (len(pictures) >= batch or position == len(paths)):
                embedded.append((indices, forward.submit(np.stack(pictures))))
                indices, pictures = [], []
            while embedded and (embedded[0][1].done() or position == len(paths)):
                done, future = embedded.popleft()
                yield FileVectors(done, future.result()[0], [])
    finally:
        forward.close()


def _size(path: bytes) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116  bytes
    except OSError:
        return 0
