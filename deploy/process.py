"""One part of the stack as a child process: in a session of its own, and ended by the kernel with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may be imported.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Part:
    """What to start. `nice` lowers the priority of bulk work below queries and pages.

    `again`: nothing else needs it, so when it ends it is started once more instead of everything being stopped.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    nice: int = 0
    pass_fds: tuple[int, ...] = ()
    stop_signal: int = signal.SIGTERM
    again: bool = False


def start(part: Part, *, output: int | None = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start a part; its output is a pipe, or ours with None. Call from the main thread: the kernel ties the child to
    the calling one."""
    parent = os.getpid()

    def before_exec() -> None:
        os.setsid()
        if part.nice:
            os.nice(part.nice)
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

    return subprocess.Popen(
        part.command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, **part.environment},
        pass_fds=part.pass_fds,
        preexec_fn=before_exec,
    )


def kill_session(pid: int) -> bool:
    """SIGKILL a part and all that it has started; False when nothing of it was left."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def python(*arguments: str) -> tuple[str, ...]:
    """A command of our own interpreter. -P: a file named like one of ours in the working folder is not imported."""
    return (sys.executable, "-P", *arguments)
