"""All pictures of a training in one array on the disk, those apart that its encoder will be measured with. No torch."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from encoder.training.errors import TrainingError

PICTURES, CLASSES, LEFT_OUT = "pictures.npy", "classes.npy", "left-out.txt"
HELD_OUT, HELD_OUT_CLASSES, CLASS_NAMES = "held-out.npy", "held-out-classes.npy", "class-names.json"
# One labelled picture in ten is not trained on, so that what is measured says something of pictures never seen.
HELD_OUT_SHARE, MOST_HELD_OUT = 10, 5_000

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Found:
    """A picture (side, side, 3), or None and the reason; `sha256` of its file, empty where it has none of its own."""

    name: str
    folder: str  # the one that it lies in, empty for the top
    pixels: Pixels | None
    sha256: str = ""
    reason: str = ""


class Source(Protocol):
    """Pictures that belong together."""

    @property
    def name(self) -> str:
        """What it is called, for the encoder's card."""

    def __len__(self) -> int: ...

    def pictures(self, side: int) -> Iterator[Found]:
        """Each picture once, in the same order every time."""


@dataclass(frozen=True)
class Gathered:
    """How many pictures there are to train, to measure with, and how many files gave none."""

    pictures: int
    held_out: int
    left_out: int

    @property
    def seen(self) -> int:
        """Files that were read."""
        return self.pictures + self.held_out + self.left_out


Progress = Callable[[Gathered, int], None]  # how far, of how many files


@dataclass(frozen=True)
class Classes:
    """Where a picture's class comes from: its file's hash, as the ledger knows it, or else its folder."""

    of_sha256: Mapping[str, str]
    from_folders: bool

    def of(self, found: Found) -> str:
        """Empty where nobody has said."""
        return self.of_sha256.get(found.sha256, "") or (found.folder if self.from_folders else "")


def gather(
    sources: Sequence[Source], folder: Path, *, side: int, least: int, classes: Classes, progress: Progress
) -> Gathered:
    """Write the arrays into `folder`, which then holds pictures.npy whole or not at all.

    pictures.npy is (n, side, side, 3) uint8 and classes.npy (n,) numbers, -1 where nobody has said; held-out.npy and
    its classes are the same of what is not trained on, class-names.json what the numbers mean. left-out.txt names every
    file that gave no picture, with the reason. `progress` may raise, which ends it with nothing left behind. Raises
    TrainingError when fewer than `least` pictures are left to train.
    """
    whole, where = sum(len(source) for source in sources), ", ".join(source.name for source in sources)
    few, advice = f"fewer than one batch of {least}", "give more folders, or a smaller batch size"
    if whole < least:
        raise TrainingError(f"{where}: {whole:,} pictures are {few}", advice)
    trained: list[str] = []
    held: list[tuple[Pixels, str]] = []
    left_out: list[str] = []
    with _Growing(folder / PICTURES, side=side) as array:
        for source in sources:
            for found in source.pictures(side):
                progress(Gathered(len(trained), len(held), len(left_out)), whole)
                name = classes.of(found)
                if found.pixels is None:
                    left_out.append(f"{source.name}/{found.name}: {found.reason}\n")
                elif name and len(held) < MOST_HELD_OUT and _is_held_out(found):
                    held.append((found.pixels, name))
                else:
                    array.append(found.pixels)
                    trained.append(name)
        if left_out:
            (folder / LEFT_OUT).write_text("".join(left_out), encoding="utf-8", errors="surrogateescape")
        if len(trained) < least:
            raise TrainingError(
                f"{where}: {whole:,} files give {len(trained):,} pictures to train, which are {few}", advice
            )
        _write_classes(folder, trained, held)
        array.finish()
    return Gathered(len(trained), len(held), len(left_out))


def forget(folder: Path) -> None:
    """Take away what nobody needs of a run that has ended: its pictures, which their own files still hold."""
    for name in (PICTURES, CLASSES, HELD_OUT, HELD_OUT_CLASSES):
        (folder / name).unlink(missing_ok=True)


class _Growing:
    """A .npy file that grows by one picture after another, and gets its name when it is whole."""

    def __init__(self, path: Path, *, side: int) -> None:
        self._path, self._side, self._count = path, side, 0
        self._partial = path.with_suffix(".partial")
        self._stream: IO[bytes] = self._partial.open("wb")
        self._write_header()

    def __enter__(self) -> _Growing:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()
        self._partial.unlink(missing_ok=True)

    def append(self, picture: Pixels) -> None:
        """(side, side, 3)."""
        self._stream.write(picture.tobytes())
        self._count += 1

    def finish(self) -> None:
        """Say how many there are, sync, and give it its name."""
        self._stream.seek(0)
        self._write_header()
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._partial.replace(self._path)

    def _write_header(self) -> None:
        """Always of the same length: numpy leaves room for any number of rows."""
        shape = (self._count, self._side, self._side, 3)
        np.lib.format.write_array_header_1_0(self._stream, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _write_classes(folder: Path, trained: Sequence[str], held: Sequence[tuple[Pixels, str]]) -> None:
    """Classes are numbered by name; pictures of none have -1."""
    names = sorted({*trained, *(name for _, name in held)} - {""})
    number = {"": -1, **{name: place for place, name in enumerate(names)}}
    (folder / CLASS_NAMES).write_text(json.dumps(names), encoding="utf-8")
    np.save(folder / CLASSES, np.array([number[name] for name in trained], dtype=np.int64))
    if held:
        np.save(folder / HELD_OUT, np.stack([pixels for pixels, _ in held]))
        np.save(folder / HELD_OUT_CLASSES, np.array([number[name] for _, name in held], dtype=np.int64))


def _is_held_out(found: Found) -> bool:
    """The same picture always is or never, whatever lies beside it."""
    return bool(found.sha256) and int(found.sha256[:8], 16) % HELD_OUT_SHARE == 0
