"""Photos to ingest for a run: as many different ones as asked for, and the SHA-256 of each by its path."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bench.pictures import write_jpegs

SIDE = 64


def write_photos(folder: Path, *, count: int, seed: int, labels: tuple[str, ...] = ()) -> dict[Path, str]:
    """`count` photos below `folder`, in turn in a folder named after each of `labels`; path -> SHA-256."""
    written: dict[Path, str] = {}
    for number, path in enumerate(write_jpegs(folder / "new", count=count, width=SIDE, height=SIDE, seed=seed)):
        target = folder / labels[number % len(labels)] if labels else folder
        target.mkdir(exist_ok=True)
        kept = path.rename(target / path.name)
        written[kept] = hashlib.sha256(kept.read_bytes()).hexdigest()
    for left in sorted((folder / "new").rglob("*"), reverse=True):
        left.rmdir()
    (folder / "new").rmdir()
    return written
