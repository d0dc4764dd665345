"""Files that end or hang whoever decodes them, and the hook that makes decode children of a run obey them.

A sound picture with a word behind it. No parser that Ruiji uses is known to crash on any file; what would happen if one
did must be seen all the same, so the children of a run (and nobody else's) have a `sitecustomize` that obeys the word.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.hostile_files.made import jpeg
from ingest.raster import Raster

WORD = b"ruiji-bench-poison:"
HOOK = """import sys

if "ingest.child" in sys.orig_argv:
    from bench.hostile_files import poison

    poison.install({attempts!r})
"""


def segfault() -> None:
    """As a parser does that writes where it may not."""
    os.kill(os.getpid(), signal.SIGSEGV)


def leave() -> None:
    """As a library does that calls exit()."""
    os._exit(3)


def hang() -> None:
    """As a parser does that reads a loop for ever."""
    while True:
        time.sleep(0.01)


def eat() -> None:
    """As a parser does that believes a length of many gigabytes, again and again."""
    kept = []
    while True:
        kept.append(np.empty(256 << 20, np.uint8))


EFFECTS: dict[str, Callable[[], None]] = {"segfault": segfault, "leave": leave, "hang": hang, "eat": eat}


def make(effect: str, chance: random.Random) -> bytes:
    """A poisonous file."""
    return jpeg(chance) + WORD + effect.encode() + b":%d" % chance.randrange(1 << 40)


def hook(folder: Path, attempts: Path) -> Path:
    """A folder for the path of a stack's processes, whose decode children note every attempt below `attempts`."""
    folder.mkdir()
    attempts.mkdir()
    (folder / "sitecustomize.py").write_text(HOOK.format(attempts=str(attempts)))
    return folder


def install(attempts: str) -> None:
    """In a decode child: obey the word. Each attempt leaves an empty file, all that a child may still write."""
    from ingest import decode, raster

    sound = raster.load_raster

    def obey(data: bytes, **options: int) -> Raster:
        _, found, rest = data[-100:].partition(WORD)
        if found:
            effect, _, number = rest.decode().partition(":")
            (Path(attempts) / f"{number}-{os.getpid()}-{time.monotonic_ns()}").touch()
            EFFECTS[effect]()
        return sound(data, **options)

    vars(decode)["load_raster"] = obey
