"""A run's folder: where its files lie, and the lock that lets one process at a time train in it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

OUTPUT = "output.log"
# Not every shared file system knows locks: there the gang's fence and lease have to do.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class FolderBusy(Exception):
    """A process of an earlier gang still works in the folder."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[tuple[int, ...]]:
    """Hold the folder; the file descriptors are for the process that works in it, which holds it as long as it lives.

    So a worker that was killed, or stopped and forgotten, does not leave a second writer behind. Raises FolderBusy.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise FolderBusy(f"a process of an earlier gang still works in {folder}") from error
    except OSError as error:
        os.close(handle)
        if error.errno not in NO_LOCKS:
            raise
        yield ()
        return
    try:
        yield (handle,)
    finally:
        os.close(handle)
