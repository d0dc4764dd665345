"""Decode children at work: groups of files in, groups of results out, and a bad file costs only itself."""

from __future__ import annotations

import os
import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from types import TracebackType

from ingest.channel import Channel, Group, Job
from ingest.decode import MAX_BYTES, MAX_PIXELS, THUMBNAIL_SIDE, VIEW_SIDE, Decoded, DecodeError
from ingest.frames import DECODE, SLOT_BYTES, VIEW, FileToRead, Request, group_limit
from ingest.process import PoolError

__all__ = ["DecodePool", "FileToRead", "Group", "PoolError", "cut_groups"]

GROUP_FILES = 48
GROUP_BYTES = 2 << 20  # about 10 photographs: small enough that two children finish a chunk together
_ROOM_FOR_REQUEST = 64 << 10


class DecodePool:
    """`processes` decode children (0: one for each core), made for an encoder whose input is `size`.

    Threads may share it. `memory_mb` is for one child and on top of what Python itself maps; `file_timeout_s` is for
    reading and decoding one file.
    """

    def __init__(
        self,
        processes: int = 0,
        *,
        size: int,
        max_pixels: int = MAX_PIXELS,
        max_bytes: int = MAX_BYTES,
        thumbnail_side: int = THUMBNAIL_SIDE,
        memory_mb: int = 2048,
        file_timeout_s: float = 30.0,
    ) -> None:
        self.size = size
        self.processes = processes or os.cpu_count() or 1
        self._max_pixels = max_pixels
        self._max_bytes = max_bytes
        self._thumbnail_side = thumbnail_side
        self._inbox: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closed = False
        self._channels = [
            Channel(self._inbox, memory_mb=memory_mb, file_timeout_s=file_timeout_s) for _ in range(self.processes)
        ]

    def __enter__(self) -> DecodePool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def group_files(self) -> int:
        """The most files that `submit` takes at once."""
        return min(GROUP_FILES, group_limit(self.size))

    def submit(self, items: Sequence[FileToRead | bytes], *, size: int | None = None) -> Future[Group]:
        """Decodes a group of at most `group_files`; each result is a Decoded or a DecodeError, in order."""
        return self._submit(items, operation=DECODE, size=size or self.size, side=self._thumbnail_side)

    def decode_one(
        self, data: bytes, *, size: int | None = None, thumbnail_side: int = 0, timeout_s: float | None = None
    ) -> Decoded | DecodeError:
        """`decode_bytes` in a child, for a query: about half a millisecond more than in this process."""
        future = self._submit([data], operation=DECODE, size=size or self.size, side=thumbnail_side)
        result = future.result(timeout_s).results[0]
        if isinstance(result, bytes):
            raise PoolError("a decode process answered with a view where a picture was asked for")
        return result

    def view_one(
        self, item: FileToRead | bytes, *, side: int = VIEW_SIDE, timeout_s: float | None = None
    ) -> bytes | DecodeError:
        """`view_bytes` of a file or of bytes, in a child."""
        result = self._submit([item], operation=VIEW, size=0, side=side).result(timeout_s).results[0]
        if isinstance(result, Decoded):
            raise PoolError("a decode process answered with a picture where a view was asked for")
        return result

    def at(self) -> list[tuple[int, bytes]]:
        """Process id and path of every child that is decoding a file now."""
        return [found for channel in self._channels if (found := channel.at()) is not None]

    def close(self) -> None:
        """Ends the children; groups on their way fail with PoolError."""
        self._closed = True
        for channel in self._channels:
            channel.close()
        for _ in self._channels:  # not before all are closed: one that was not would take it from one that waits
            self._inbox.put(None)
        for channel in self._channels:
            channel.join()
        while not self._inbox.empty():
            job = self._inbox.get()
            if job is not None and job.future.set_running_or_notify_cancel():
                job.future.set_exception(PoolError("the decode pool is closed"))

    def _submit(self, items: Sequence[FileToRead | bytes], *, operation: int, size: int, side: int) -> Future[Group]:
        if self._closed:
            raise PoolError("the decode pool is closed")
        future: Future[Group] = Future()
        inline = sum(len(item) for item in items if isinstance(item, bytes))
        if inline > SLOT_BYTES - _ROOM_FOR_REQUEST:
            raise ValueError(f"{inline} bytes do not fit in a decode slot of {SLOT_BYTES}")
        if operation == DECODE and len(items) > group_limit(size):
            raise ValueError(f"{len(items)} pictures of {size} pixels do not fit in a decode slot")
        request = Request(tuple(items), operation, size, side, self._max_pixels, self._max_bytes)
        self._inbox.put(Job(request, future))
        return future


def cut_groups(
    files: Sequence[FileToRead], sizes: Sequence[int], *, group_files: int, group_bytes: int = GROUP_BYTES
) -> Iterator[list[FileToRead]]:
    """Cuts files into groups capped by number and by bytes; a file larger than the cap is a group of its own."""
    group: list[FileToRead] = []
    total = 0
    for file, size in zip(files, sizes, strict=True):
        if group and (len(group) >= group_files or total + size > group_bytes):
            yield group
            group, total = [], 0
        group.append(file)
        total += size
    if group:
        yield group
