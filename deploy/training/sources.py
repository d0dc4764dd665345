"""What a training is made from: folders of pictures, or files of STL-10."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from deploy.training.errors import NoTraining
from ingest.bulk import decode_files
from ingest.decode import Decoded
from ingest.pool import FileToRead
from ingest.public.stl10 import read_pictures
from ingest.transform import squares
from ingest.walk import FolderFile, WalkTally, walk

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
STL10_UNLABELLED = "unlabeled_X.bin"
AT_ONCE = 512  # pictures of STL-10 scaled together: 14 MB


@dataclass(frozen=True)
class Found:
    """A picture (side, side, 3), or None and the reason; `sha256` of its file, empty where it has none of its own."""

    name: str
    folder: str  # the one that it lies in, empty for the top
    pixels: Pixels | None
    sha256: str = ""
    reason: str = ""


class Source(Protocol):
    """Pictures of one place on the command line."""

    @property
    def name(self) -> str:
        """What it is called, for the encoder's card."""

    def __len__(self) -> int: ...

    def pictures(self, side: int) -> Iterator[Found]:
        """Each picture once, in the same order every time."""


def open_source(path: Path) -> Source:
    """A folder, a file of STL-10's pictures, or the folder of its .bin files. Raises NoTraining and DataError."""
    if path.is_file() and path.suffix == ".bin":
        return Stl10Source(path)
    if (path / STL10_UNLABELLED).is_file():
        return Stl10Source(path / STL10_UNLABELLED)
    if not path.is_dir():
        raise NoTraining(f"{path} is neither a folder of pictures nor a .bin file of STL-10")
    return FolderSource(path.absolute())


class FolderSource:
    """Every picture file below a folder, decoded as an ingest does."""

    def __init__(self, folder: Path) -> None:
        self._root = os.fsencode(folder)
        self._files: Sequence[FolderFile] = list(walk(self._root, WalkTally()))
        self.name = folder.name

    def __len__(self) -> int:
        return len(self._files)

    def pictures(self, side: int) -> Iterator[Found]:
        """Files in the order of the walk."""
        wanted = [FileToRead(self._root + b"/" + file.path, self._root) for file in self._files]
        files = iter(self._files)
        for results in decode_files(wanted, [file.size for file in self._files], size=side):
            for result in results:
                above, _, _ = (path := next(files).path).rpartition(b"/")
                name, folder = os.fsdecode(path), os.fsdecode(above.rpartition(b"/")[2])
                if isinstance(result, Decoded):
                    yield Found(name, folder, result.pixels, result.sha256)
                else:
                    yield Found(name, folder, None, reason=result.reason)


class Stl10Source:
    """A file of STL-10's binary format: no files of their own, nothing to be decoded."""

    def __init__(self, path: Path) -> None:
        self._pictures = read_pictures(path)
        self.name = f"STL-10's {path.name}"

    def __len__(self) -> int:
        return len(self._pictures)

    def pictures(self, side: int) -> Iterator[Found]:
        """In the order of the file."""
        for start in range(0, len(self), AT_ONCE):
            some = squares(np.ascontiguousarray(self._pictures[start : start + AT_ONCE]), size=side)
            for number, pixels in enumerate(some, start=start):
                yield Found(str(number), "", pixels)
