"""A small disk of a run's own, which can be filled to the last byte, in a mount namespace that ends with the run."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.record import ROOT

# Not RUIJI_…: those are settings, and a run passes none on.
MARK = "BENCH_FAULTS_OWN_MOUNTS"
WAYS = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
STEP = 1 << 20


def in_own_mounts(arguments: Sequence[str]) -> None:
    """Run this command again where it may mount; returns where it may already, or never will."""
    if MARK in os.environ or shutil.which("unshare") is None:
        return
    for way in WAYS:
        command = [*way, "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            path = os.pathsep.join(entry for entry in (str(ROOT), os.environ.get("PYTHONPATH", "")) if entry)
            again = [*way, sys.executable, "-P", "-m", "ruiji", "bench", *arguments]
            os.execvpe(again[0], again, {**os.environ, "PYTHONPATH": path, MARK: "yes"})  # noqa: S606


def mount(folder: Path, *, megabytes: int) -> bool:
    """Give a folder a disk of its own; False where that is not allowed."""
    if MARK not in os.environ:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "ruiji-bench", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def unmount(folder: Path) -> None:
    """Take it away again."""
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


@contextlib.contextmanager
def filled(folder: Path, *, left: int) -> Iterator[None]:
    """The disk below `folder` full but for `left` bytes."""
    ballast = folder / "ballast"
    try:
        with ballast.open("wb") as sink:
            room = shutil.disk_usage(folder).free - left
            with contextlib.suppress(OSError):  # another writer was faster: full is what was wanted
                while room > 0:
                    os.posix_fallocate(sink.fileno(), sink.seek(0, os.SEEK_END), min(room, 64 * STEP))
                    room = shutil.disk_usage(folder).free - left
        yield
    finally:
        ballast.unlink(missing_ok=True)
