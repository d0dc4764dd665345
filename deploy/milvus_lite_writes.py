"""Writes to the embedded milvus-lite, one at a time, and an end of the server where a write has failed half-way.

milvus-lite 3.2.2 lets ten threads into a collection that is written for one:
- Where several ask for a collection that is not open yet, as all do after a restart, each may open it for itself, and
  all but the last of these objects are forgotten with what was written to them. A search beside one writer is enough;
  four writers and two kills: 2,048 of 30,000 acknowledged rows, without an error.
- A flush exchanges table and log, while another thread may be between the two.
- After a write or a flush that failed (a full disk) it goes on with a torn log, or without the rows that the failed
  flush held, and the next flush deletes their log: only what starts again from the log has them.

So a collection is opened once, and a lock lets one writer in; little room is refused while nothing has been touched
yet; and a write that fails in the middle ends the process: `ruiji up` says so, and the next start replays the log.
Any other version is left as it is.
"""

from __future__ import annotations

import functools
import logging
import os
import shutil
import threading
from collections.abc import Callable
from typing import Any, Final

VERSION: Final = "3.2.2"
# Rows in memory (128 MB at most) are written out once more as files while their log is still there.
LEAST_ROOM: Final = 192 << 20
STATUS_FAILED: Final = 74  # EX_IOERR of sysexits.h
_WRITES: Final = ("insert", "upsert", "delete")
_OPENINGS: Final = (
    "create_collection",
    "get_collection",
    "drop_collection",
    "rename_collection",
    "truncate_collection",
)
_INSTALLED: Final = "_ruiji_writes_in_turn"

logger = logging.getLogger("ruiji.milvus")


class LittleRoom(Exception):
    """The disk is nearly full; nothing of the write was begun."""


def install(*, least_room: int = LEAST_ROOM, end: Callable[[int], object] = os._exit) -> bool:
    """Put it in place for all collections of this process; False, and nothing changed, in another version.

    Bytes that must be free for a write to begin: `least_room`. `end` gets the exit status of a failed write.
    """
    import milvus_lite
    from milvus_lite.db import MilvusLite
    from milvus_lite.engine.collection import Collection

    if str(milvus_lite.__version__) != VERSION:
        return False
    if getattr(Collection, _INSTALLED, False):
        return True
    turns = _Turns()
    for name in _WRITES:
        setattr(Collection, name, _in_turn(getattr(Collection, name), turns, least_room=least_room, end=end))
    # A flush frees memory and the log: it is not refused for lack of room, which only makes matters worse.
    for name in ("flush", "close"):
        setattr(Collection, name, _in_turn(getattr(Collection, name), turns, least_room=0, end=end))
    opening = threading.RLock()
    for name in (*_OPENINGS, "close"):
        setattr(MilvusLite, name, _alone(getattr(MilvusLite, name), opening))
    setattr(Collection, _INSTALLED, True)
    return True


def _alone(act: Callable[..., Any], lock: Any) -> Callable[..., Any]:
    @functools.wraps(act)
    def alone(*arguments: Any, **options: Any) -> Any:
        with lock:
            return act(*arguments, **options)

    return alone


class _Turns:
    """One lock for each collection, made when it is first written to."""

    def __init__(self) -> None:
        self._making = threading.Lock()

    def of(self, collection: Any) -> Any:
        with self._making:
            if not hasattr(collection, "_ruiji_turn"):
                collection._ruiji_turn = threading.RLock()  # an upsert inserts
            return collection._ruiji_turn


def _in_turn(
    write: Callable[..., Any], turns: _Turns, *, least_room: int, end: Callable[[int], object]
) -> Callable[..., Any]:
    @functools.wraps(write)
    def one_at_a_time(collection: Any, *arguments: Any, **options: Any) -> Any:
        with turns.of(collection):
            if least_room and (room := shutil.disk_usage(collection.data_dir).free) < least_room:
                raise LittleRoom(
                    f"the disk of the index has {room >> 20} MB left and a write needs {least_room >> 20} MB: "
                    "free some space, and it goes on"
                )
            try:
                return write(collection, *arguments, **options)
            except OSError as error:  # pyarrow's errors of the disk are OSErrors too
                logger.critical("a write to the index failed (%s): its log is read again at the next start", error)
                end(STATUS_FAILED)
                raise

    return one_at_a_time
