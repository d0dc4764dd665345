"""A group of pictures that is being fetched from an object store; the last one hands the group to the decode pool."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from catalog.storage.errors import StoreError
from catalog.storage.objects import PIECE
from catalog.storage.pictures import PictureStorage
from ingest.channel import Group
from ingest.decode import DecodeError, StageSeconds
from ingest.frames import Result
from ingest.pool import DecodePool, FileToRead

INLINE_BYTES = 3 * PIECE  # of a whole group, in the request itself: below what a decode slot holds


@dataclass(frozen=True, slots=True)
class Spooled:
    """A picture in a temporary file, because it is too large for a request; whoever has it deletes it."""

    path: Path

    def delete(self) -> None:
        """It has been read."""
        self.path.unlink(missing_ok=True)


Fetched = bytes | Spooled | DecodeError


def fetch(storage: PictureStorage, path: bytes, *, max_bytes: int) -> Fetched:
    """An object's bytes; never more than one piece of it in memory. Every failure is a value."""
    try:
        pieces = storage.blocks(path, max_bytes=max_bytes)
        first = next(pieces, b"")
        return first if len(first) < PIECE else spool(first, pieces)
    except StoreError as error:
        if error.kind == "missing":
            return DecodeError(
                "vanished", "the object was there during the scan and is gone now: scan the bucket again"
            )
        if error.kind == "too_large":
            return DecodeError("too_large", str(error))
        return DecodeError("unreadable", f"{error}: ingest the bucket again")
    except Exception as error:  # a full temporary folder, a library's surprise: it must not leave its group waiting
        return DecodeError("unreadable", f"the object cannot be read ({error or type(error).__name__})")


def spool(first: bytes, more: Iterable[bytes] = ()) -> Spooled:
    """Write bytes to a temporary file."""
    handle, name = tempfile.mkstemp(prefix="ruiji-object-")
    spooled = Spooled(Path(name))
    try:
        with os.fdopen(handle, "wb") as sink:
            sink.write(first)
            for piece in more:
                sink.write(piece)
    except BaseException:
        spooled.delete()
        raise
    return spooled


class FetchedGroup:
    """Filled from several threads; `future` is the pool's answer for all of its files, in their order."""

    def __init__(self, pool: DecodePool, files: int) -> None:
        self.future: Future[Group] = Future()
        self._pool = pool
        self._items: list[FileToRead | Fetched] = [b""] * files
        self._left = files
        self._seconds = 0.0
        self._lock = threading.Lock()

    def put(self, number: int, item: FileToRead | Fetched, *, seconds: float = 0.0) -> None:
        """One of the group is here."""
        with self._lock:
            self._items[number] = item
            self._seconds += seconds
            self._left -= 1
            if self._left:
                return
        if not self.future.set_running_or_notify_cancel():
            self._delete_spooled()
            return
        try:
            self._hand_over()
        except Exception as error:
            self._delete_spooled()
            self.future.set_exception(error)

    def _hand_over(self) -> None:
        self._spool_what_is_too_much()
        given = [as_given(item) for item in self._items if not isinstance(item, DecodeError)]
        if given:
            self._pool.submit(given).add_done_callback(self._answer)
        else:
            self.future.set_result(Group(self._in_order([]), StageSeconds(read=self._seconds)))

    def _answer(self, done: Future[Group]) -> None:
        self._delete_spooled()
        if (error := done.exception()) is not None:
            self.future.set_exception(error)
            return
        group = done.result()
        group.seconds.read += self._seconds
        self.future.set_result(Group(self._in_order(group.results), group.seconds))

    def _in_order(self, results: list[Result]) -> list[Result]:
        decoded = iter(results)
        return [item if isinstance(item, DecodeError) else next(decoded) for item in self._items]

    def _spool_what_is_too_much(self) -> None:
        """Groups are cut by the sizes that the listing told; an object may have grown since."""
        total = 0
        for number, item in enumerate(self._items):
            if isinstance(item, bytes):
                total += len(item)
                if total > INLINE_BYTES:
                    self._items[number] = spool(item)

    def _delete_spooled(self) -> None:
        for item in self._items:
            if isinstance(item, Spooled):
                with contextlib.suppress(OSError):
                    item.delete()


def as_given(item: FileToRead | bytes | Spooled) -> FileToRead | bytes:
    """An item as a decode pool takes it."""
    return FileToRead(os.fsencode(item.path)) if isinstance(item, Spooled) else item
