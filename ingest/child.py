"""A decode child: takes groups of files from its parent, decodes them, and is expected to die now and then.

Started as `python -m ingest.child SOCKET MEMORY PARENT MEGABYTES`. It loads no torch and no catalog, writes down
which file it is at before it touches it, and ends with its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path

from ingest.decode import DecodeError, StageSeconds, decode_bytes, view_bytes
from ingest.files import read_file
from ingest.frames import (
    DECODE,
    DOORBELL,
    JOURNAL,
    JOURNAL_BYTES,
    SLOT_BYTES,
    AnswerWriter,
    FileToRead,
    Request,
    Result,
    unpack_request,
)
from ingest.raster import RefusedError

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h


def main(arguments: list[str]) -> None:
    socket_number, memory_number, parent, megabytes = (int(argument) for argument in arguments)
    _end_with(parent)
    connection = socket.socket(fileno=socket_number)
    shared = mmap.mmap(memory_number, 0)
    _confine(megabytes)
    connection.sendall(DOORBELL.pack(0, 0, 0))
    _silence()
    while frame := connection.recv(DOORBELL.size, socket.MSG_WAITALL):
        group, slot, length = DOORBELL.unpack(frame)
        start = JOURNAL_BYTES + slot * SLOT_BYTES
        request = unpack_request(shared[start : start + length])
        _serve(shared, request, group=group, start=start)
        connection.sendall(DOORBELL.pack(group, slot, 0))


def _serve(shared: mmap.mmap, request: Request, *, group: int, start: int) -> None:
    seconds = StageSeconds()
    with memoryview(shared) as whole:
        writer = AnswerWriter(whole[start : start + SLOT_BYTES], request)
        for index, item in enumerate(request.items):
            JOURNAL.pack_into(shared, 0, group, index, 1)
            result, file_size, mtime_ns = _work(item, request, seconds)
            writer.put(index, result, file_size=file_size, mtime_ns=mtime_ns)
        JOURNAL.pack_into(shared, 0, group, len(request.items), 0)
        writer.put_seconds(seconds)
        writer.release()


def _work(item: FileToRead | bytes, request: Request, seconds: StageSeconds) -> tuple[Result, int, int]:
    """The result with the size and time of the opened file."""
    if isinstance(item, bytes):
        return _decode(item, request, seconds), 0, 0
    started = time.perf_counter()
    try:
        file = read_file(item.path, root=item.root or None, max_bytes=request.max_bytes)
    except RefusedError as refused:
        return DecodeError(refused.kind, refused.reason), 0, 0
    except MemoryError:
        return DecodeError("out_of_memory", "reading it needs more memory than allowed: save a smaller copy"), 0, 0
    seconds.read += time.perf_counter() - started
    return _decode(file.data, request, seconds), file.size, file.mtime_ns


def _decode(data: bytes, request: Request, seconds: StageSeconds) -> Result:
    if request.operation != DECODE:
        return view_bytes(data, side=request.side, max_pixels=request.max_pixels)
    return decode_bytes(
        data, size=request.size, max_pixels=request.max_pixels, thumbnail_side=request.side, seconds=seconds
    )


def _end_with(parent: int) -> None:
    """The kernel ends this process when its parent dies, even in the middle of a file; Ctrl-C is the parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):  # not Linux: the closed socket ends it after the group
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


def _confine(megabytes: int) -> None:
    """Memory for decoding on top of what is mapped now; no files written, no core dumps of private pictures."""
    with contextlib.suppress(OSError):  # first to go when the machine runs out of memory
        Path("/proc/self/oom_score_adj").write_text("900")
    mapped = 1 << 30
    with contextlib.suppress(OSError):
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
    for limit, value in (
        (resource.RLIMIT_AS, mapped + (megabytes << 20)),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (value, value))


def _silence() -> None:
    """From here on libraries may complain about hostile files: into nothing."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)


if __name__ == "__main__":
    main(sys.argv[1:])
