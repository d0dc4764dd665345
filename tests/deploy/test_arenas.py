"""Threads share a few arenas of glibc's malloc, where there is a glibc."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from bench.surroundings import surroundings

# Each thread that lives at the same time is given an arena of its own, as long as there may be more.
COUNT = """
import ctypes, sys, threading
from deploy.arenas import limit_arenas
if sys.argv[1] == "limited":
    assert limit_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
together = threading.Barrier(6)
def take():
    libc.malloc(ctypes.c_size_t(1000))
    together.wait()
threads = [threading.Thread(target=take) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w")))
libc.fflush(None)
"""


def arenas(way: str) -> int:
    environment = {name: value for name, value in surroundings().items() if name != "MALLOC_ARENA_MAX"}
    command = [sys.executable, "-c", COUNT, way]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another malloc")
def test_threads_share_two_arenas() -> None:
    assert arenas("limited") == 2
    assert arenas("as it is") > 2
