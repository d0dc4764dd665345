"""Reads one file for decoding: only a regular file, only inside its source, and only so many bytes."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass

from ingest.mtime import mtime_ns
from ingest.raster import RefusedError
from ingest.walk import OUTSIDE


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A file's bytes with the size and time of the file that was opened, which may be newer than the scan's."""

    data: bytes
    size: int
    mtime_ns: int


def read_file(path: bytes, *, root: bytes | None, max_bytes: int) -> FileBytes:
    """Reads `path` (absolute). Raises RefusedError with kind vanished, unreadable, not_a_file, outside or too_large."""
    try:
        descriptor = _open(path, root)
    except OSError as error:
        raise _refusal(error) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise RefusedError("not_a_file", "it is not a regular file any more: scan the folder again")
        if status.st_size > max_bytes:
            raise RefusedError(
                "too_large", f"the file has {status.st_size:,} bytes, more than the {max_bytes:,} allowed"
            )
        data = os.read(descriptor, status.st_size + 1)
        if len(data) != status.st_size:
            data = _read_rest(descriptor, data, max_bytes)
    except OSError as error:
        raise _refusal(error) from error
    finally:
        os.close(descriptor)
    return FileBytes(data, status.st_size, mtime_ns(status))


def _open(path: bytes, root: bytes | None) -> int:
    # O_NONBLOCK: a pipe that took the file's name must not hang the reader; it means nothing for regular files.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    if root is None:
        return os.open(path, flags)
    try:
        return os.open(path, flags | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EMLINK):
            raise
    target = os.path.realpath(path, strict=True)
    inside = os.path.realpath(root).rstrip(b"/") + b"/"
    if not target.startswith(inside):
        raise RefusedError("outside", OUTSIDE)
    return os.open(target, flags | os.O_NOFOLLOW)


def _read_rest(descriptor: int, data: bytes, max_bytes: int) -> bytes:
    """The file grew, shrank, or came in parts: what can be read now is what counts."""
    parts = [data]
    total = len(data)
    while part := os.read(descriptor, 1 << 20):
        parts.append(part)
        total += len(part)
        if total > max_bytes:
            raise RefusedError("too_large", f"the file grew past the {max_bytes:,} bytes allowed while it was read")
    return b"".join(parts)


def _refusal(error: OSError) -> RefusedError:
    words = error.strerror or str(error)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return RefusedError("vanished", "the file was there during the scan and is gone now: scan the folder again")
    if error.errno in (errno.EACCES, errno.EPERM):
        return RefusedError("unreadable", f"the file may not be read ({words}): give this user permission to read it")
    return RefusedError("unreadable", f"the file cannot be read ({words}): check the disk or the network folder")
