"""Pictures handed to a decode pool, wherever they lie: files by their path here, objects by bytes fetched beforehand.

Decode children have no network and no keys, for a hostile picture may take one over; so this process fetches, a bounded
number of objects at once, and a child sees nothing but bytes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from catalog.storage.address import is_object
from catalog.storage.pictures import PictureStorage
from ingest.channel import Group
from ingest.decode import MAX_BYTES, VIEW_SIDE, DecodeError
from ingest.fetching import FetchedGroup, Spooled, as_given, fetch
from ingest.pool import DecodePool, FileToRead


class PictureReader:
    """A decode pool that takes what the ledger calls a file, path and root as recorded. Threads may share it."""

    def __init__(self, pool: DecodePool, storage: PictureStorage | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self._pool = pool
        self._storage = storage or PictureStorage()
        self._max_bytes = max_bytes
        self._fetchers = ThreadPoolExecutor(self._storage.objects.at_once, thread_name_prefix="fetch")

    @property
    def processes(self) -> int:
        """Decode children of the pool."""
        return self._pool.processes

    @property
    def group_files(self) -> int:
        """The most files that `submit` takes at once."""
        return self._pool.group_files

    def close(self) -> None:
        """End the threads that fetch; the pool stays its owner's."""
        self._fetchers.shutdown(wait=True, cancel_futures=True)

    def submit(self, files: Sequence[FileToRead]) -> Future[Group]:
        """`DecodePool.submit`; an object that cannot be fetched is a DecodeError in its place."""
        if not any(is_object(file.path) for file in files):
            return self._pool.submit([self._here(file) for file in files])
        group = FetchedGroup(self._pool, len(files))
        for number, file in enumerate(files):
            if is_object(file.path):
                self._fetchers.submit(self._fetch_into, group, number, file.path)
            else:
                group.put(number, self._here(file))
        return group.future

    def view_one(self, item: FileToRead | bytes, *, side: int = VIEW_SIDE, timeout_s: float) -> bytes | DecodeError:
        """`DecodePool.view_one`; TimeoutError when fetching and decoding take longer than `timeout_s` together."""
        if isinstance(item, bytes) or not is_object(item.path):
            given = item if isinstance(item, bytes) else self._here(item)
            return self._pool.view_one(given, side=side, timeout_s=timeout_s)
        started = time.monotonic()
        found = self._fetchers.submit(fetch, self._storage, item.path, max_bytes=self._max_bytes).result(timeout_s)
        if isinstance(found, DecodeError):
            return found
        try:
            left = max(0.1, timeout_s - (time.monotonic() - started))
            return self._pool.view_one(as_given(found), side=side, timeout_s=left)
        finally:
            if isinstance(found, Spooled):
                found.delete()

    def _here(self, file: FileToRead) -> FileToRead:
        root = self._storage.here(file.root) if file.root else b""
        return FileToRead(self._storage.here(file.path), root)

    def _fetch_into(self, group: FetchedGroup, number: int, path: bytes) -> None:
        started = time.perf_counter()
        given_up = DecodeError("unreadable", "nobody waits for it any more")
        found = given_up if group.future.cancelled() else fetch(self._storage, path, max_bytes=self._max_bytes)
        group.put(number, found, seconds=time.perf_counter() - started)
