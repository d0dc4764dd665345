"""One decode child as a process: its shared memory, its socket, how it is started and how it ended."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from ingest.frames import DOORBELL, JOURNAL, JOURNAL_BYTES, SLOT_BYTES, SLOTS

START_TIMEOUT_S = 60.0  # an interpreter with numpy and Pillow, from a cold disk on a busy machine

# Enough to run Python; connection strings and credentials in the environment are not for a process that hostile
# pictures may take over.
_ENVIRONMENT = (
    *("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR", "VIRTUAL_ENV"),
    "RUIJI_HOME",  # whose process this is, for whoever looks for leftovers
)


class PoolError(Exception):
    """Decode children cannot be started or kept alive; the pictures are not to blame."""


class ChildProcess:
    """A running decode child. Start it from a thread that lives as long: the kernel ends it with that thread."""

    def __init__(self, *, memory_mb: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        descriptor = _shared_memory(JOURNAL_BYTES + SLOTS * SLOT_BYTES)
        arguments = [str(number) for number in (theirs.fileno(), descriptor, os.getpid(), memory_mb)]
        self.socket = ours
        self.memory = mmap.mmap(descriptor, 0)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  closed in release()
        try:
            # -P: a folder of pictures that is the working folder must not provide the modules.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ingest.child", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                env=_environment(),
                pass_fds=(theirs.fileno(), descriptor),
            )
        except OSError as error:
            self.release()
            raise PoolError(f"cannot start a decode process: {error}") from error
        finally:
            theirs.close()
            os.close(descriptor)
        self._await_hello()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, group: int, slot: int, frame: bytes) -> None:
        """Lays a request into its slot and rings. A dead child is noticed when its answer is awaited."""
        start = JOURNAL_BYTES + slot * SLOT_BYTES
        self.memory[start : start + len(frame)] = frame
        with contextlib.suppress(OSError):
            self.socket.sendall(DOORBELL.pack(group, slot, len(frame)))

    def journal(self) -> tuple[int, int, bool]:
        """The group, the index of the file in it, and whether the child is at that file now."""
        group, index, busy = JOURNAL.unpack_from(self.memory)
        return group, index, busy == 1

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._process.kill()

    def ending(self) -> str:
        """Kills it if need be and says how it ended: a signal's name or an exit code."""
        self.kill()
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # stuck in the kernel on a dead disk: it is left to its fate
            return "no end"
        if code < 0:
            with contextlib.suppress(ValueError):
                return signal.Signals(-code).name
        return f"exit code {code}"

    def release(self) -> None:
        self.socket.close()
        self._complaints.close()
        with contextlib.suppress(BufferError):
            self.memory.close()

    def _await_hello(self) -> None:
        self.socket.settimeout(START_TIMEOUT_S)
        try:
            hello = self.socket.recv(DOORBELL.size, socket.MSG_WAITALL)
        except OSError:
            hello = b""
        if len(hello) != DOORBELL.size:
            ending = self.ending()
            self._complaints.seek(0)
            complaint = self._complaints.read()[-500:].decode(errors="replace").strip()
            self.release()
            raise PoolError(f"a decode process did not start ({ending}): {complaint}")
        self.socket.settimeout(None)


def _shared_memory(size: int) -> int:
    """Anonymous memory of a fixed size; pages are taken as they are written."""
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryFile() as file:
            file.truncate(size)
            return os.dup(file.fileno())
    descriptor = os.memfd_create("ruiji-decode", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    # A child that could shrink it would end its parent with SIGBUS.
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return descriptor


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    here = str(Path(__file__).resolve().parent.parent)
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (here, kept.get("PYTHONPATH"))))
    kept.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")
    return kept
