"""A process that does one stage of a run, started and ended by the worker that holds the lease."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may be imported.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
LAST_WORDS = 4000  # bytes of its output that are looked through for a reason


class PartProcess:
    """In a session of its own, so that Ctrl-C in a terminal reaches the worker alone; it dies with the worker.

    `ranked`: torchrun with `worker.part`, which gets the name of the file for its exit code in place of `CODE`.
    Call from the main thread: the kernel ties the child to the calling one.
    """

    CODE = "{code}"

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        ranked: bool = False,
    ) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="ruiji-part-")
        self._code_file = Path(self._scratch.name) / "part.json"
        self._ranked = ranked
        self._log = log
        self._began = log.stat().st_size if log.exists() else 0
        words = [str(self._code_file) if word == self.CODE else word for word in command]
        with log.open("ab") as sink:
            self._child = subprocess.Popen(
                words,
                cwd=self._scratch.name,  # nothing lies there that could be imported in place of a module
                env={**os.environ, "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                pass_fds=tuple(pass_fds),
                preexec_fn=_tie_to_parent(os.getpid()),
            )

    def poll(self) -> int | None:
        """The exit code, or minus the signal's number; None while it works."""
        found = self._child.poll()
        if found is None or not self._ranked:
            return found
        told = self._told().get("code")
        return told if told is not None else (found or 1)

    def wait(self, timeout_s: float) -> int | None:
        """`poll`, after at most so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=timeout_s)
        return self.poll()

    def stop(self, *, within_s: float) -> int | None:
        """SIGTERM: it finishes its step and keeps it. The exit code; after `within_s` it is killed."""
        # torchrun would wait 30 s at the most and then kill; the rank itself may need longer to write a checkpoint.
        pid = self._told().get("pid", self._child.pid) if self._ranked else self._child.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + within_s
        while (code := self.wait(0.1)) is None and time.monotonic() < until:
            if self._ranked and (told := self._told().get("code")) is not None:
                return told  # torchrun itself waits for the other ranks
        return code

    def close(self) -> None:
        """Kill what is left of it, and take its folder away."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._scratch.cleanup()

    def last_words(self) -> str:
        """The last line that it has printed, which for a crash names the error; empty if there is none."""
        with self._log.open("rb") as stream:
            stream.seek(max(self._began, self._log.stat().st_size - LAST_WORDS))
            lines = stream.read().decode("utf-8", "replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _told(self) -> dict[str, int]:
        try:
            return dict(json.loads(self._code_file.read_text()))
        except (OSError, ValueError):
            return {}


def _tie_to_parent(parent: int) -> Callable[[], None]:
    def before_exec() -> None:
        os.setsid()
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

    return before_exec
