"""Labelled photos to evaluate an encoder with, from a folder of class folders or from arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from deploy.evaluation.errors import NoEvaluation
from ingest.bulk import decode_files
from ingest.decode import Decoded, DecodeError
from ingest.pool import FileToRead
from ingest.transform import squares
from ingest.walk import FolderFile, WalkTally, walk

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
AT_ONCE = 512  # pictures of an array: 14 MB at 96 px


@dataclass(frozen=True)
class Batch:
    """Pictures (m, s, s, 3) uint8 and which photos of the album they are (m,)."""

    rows: np.ndarray[Any, np.dtype[np.int64]]
    pictures: Pixels


class Pictures(Protocol):
    """The pictures of an album; those that cannot be decoded are left out and noted."""

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """File and reason, of the pictures that could not be decoded."""

    def batches(self, rows: Sequence[int], *, size: int) -> Iterator[Batch]:
        """The pictures of these photos, in any order, as an encoder with this input size takes them."""


@dataclass(frozen=True)
class Album:
    """Photos, each with the name of its class (n); `where` says in words what they are."""

    classes: tuple[str, ...]
    pictures: Pictures
    where: str

    def __len__(self) -> int:
        return len(self.classes)


def folder_album(folder: Path, *, truth: Mapping[int, str] | None = None) -> Album:
    """A photo's class is the folder it lies in; with `truth`, STL-10's, what that says of the number it is called by.

    Raises NoEvaluation when there is no such photo.
    """
    root = os.fsencode(folder.absolute())
    found = [(file, name) for file in walk(root, WalkTally()) if (name := _class_of(file.path, truth))]
    if not found:
        wanted = "numbered as in STL-10's unlabelled pictures" if truth else "in a folder named after its class"
        raise NoEvaluation(f"{folder} holds no picture {wanted}; see: ruiji eval --help")
    return Album(
        tuple(name for _, name in found),
        FolderPictures(root, [file for file, _ in found]),
        f"{folder.absolute().name}, {len(found):,} photos",
    )


def array_album(pictures: Path, labels: Path | None, *, names: Sequence[str]) -> Album:
    """Pictures (n, s, s, 3) uint8 and labels (n,) whole numbers from 0, both .npy; `names` are the classes' in order.

    Raises NoEvaluation when they do not fit.
    """
    labels = labels or pictures.with_name(f"{pictures.stem}_y.npy")
    if not labels.is_file():
        raise NoEvaluation(f"{labels} is missing: the labels of {pictures} lie beside it under this name")
    try:
        pixels = np.load(pictures, mmap_mode="r", allow_pickle=False)
        numbers = np.load(labels, allow_pickle=False)
    except ValueError as error:
        raise NoEvaluation(f"{pictures} or {labels} is no array of numbers: {error}") from error
    if pixels.ndim != 4 or pixels.dtype != np.uint8 or pixels.shape[1] != pixels.shape[2] or pixels.shape[3] != 3:
        raise NoEvaluation(f"{pictures} must be (n, side, side, 3) uint8, not {pixels.shape} {pixels.dtype}")
    if numbers.shape != pixels.shape[:1] or numbers.dtype.kind not in "iu":
        raise NoEvaluation(f"{labels} must be ({len(pixels)},) whole numbers, not {numbers.shape} {numbers.dtype}")
    if not len(numbers):
        raise NoEvaluation(f"{pictures} holds no picture")
    if numbers.min() < 0 or (names and numbers.max() >= len(names)):
        most = f"{len(names)} names are given" if names else "they count from 0"
        raise NoEvaluation(f"{labels} holds {numbers.min()} to {numbers.max()}, but {most}; see --classes")
    classes = tuple(names[number] if names else str(number) for number in numbers.tolist())
    return Album(classes, ArrayPictures(pixels), f"{pictures.name}, {len(pixels):,} pictures")


def _class_of(path: bytes, truth: Mapping[int, str] | None) -> str | None:
    above, _, name = path.rpartition(b"/")
    if truth is None:
        return os.fsdecode(above.rpartition(b"/")[2]) or None
    stem = name.partition(b".")[0]
    return truth.get(int(stem) - 1) if stem.isdigit() else None  # the files count from 1, the labels from 0


@dataclass
class ArrayPictures:
    """Pictures (n, s, s, 3) of an array, scaled where the encoder takes another size."""

    pixels: Pixels
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def batches(self, rows: Sequence[int], *, size: int) -> Iterator[Batch]:
        for start in range(0, len(rows), AT_ONCE):
            chosen = np.array(rows[start : start + AT_ONCE], dtype=np.int64)
            yield Batch(chosen, squares(np.asarray(self.pixels[chosen]), size=size))


@dataclass
class FolderPictures:
    """Files below a root, decoded in child processes as an ingest does: a hostile one costs itself only."""

    root: bytes
    files: list[FolderFile]
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def batches(self, rows: Sequence[int], *, size: int) -> Iterator[Batch]:
        wanted = [FileToRead(self.root + b"/" + self.files[row].path, self.root) for row in rows]
        start = 0
        for results in decode_files(wanted, [self.files[row].size for row in rows], size=size):
            yield self._batch(rows[start : start + len(results)], results, size=size)
            start += len(results)

    def _batch(self, rows: Sequence[int], results: Sequence[Decoded | DecodeError], *, size: int) -> Batch:
        kept, pictures = [], []
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, Decoded):
                kept.append(row)
                pictures.append(result.pixels)
            else:
                self.left_out.append((os.fsdecode(self.files[row].path), result.reason))
        stacked = np.stack(pictures) if pictures else np.empty((0, size, size, 3), np.uint8)
        return Batch(np.array(kept, dtype=np.int64), stacked)
