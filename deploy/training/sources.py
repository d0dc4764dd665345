"""What a training is made from: folders of pictures, or files of STL-10."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deploy.training.errors import NoTraining
from encoder.training.gathering import Found, Source
from ingest.pool import FileToRead
from ingest.public.stl10 import read_pictures
from ingest.transform import squares
from ingest.walk import WalkTally, walk
from worker.picture_files import PictureFiles

STL10_UNLABELLED = "unlabeled_X.bin"
AT_ONCE = 512  # pictures of STL-10 scaled together: 14 MB


def open_source(path: Path) -> Source:
    """A folder, a file of STL-10's pictures, or the folder of its .bin files. Raises NoTraining and DataError."""
    if path.is_file() and path.suffix == ".bin":
        return Stl10Source(path)
    if (path / STL10_UNLABELLED).is_file():
        return Stl10Source(path / STL10_UNLABELLED)
    if not path.is_dir():
        raise NoTraining(f"{path} is neither a folder of pictures nor a .bin file of STL-10")
    return folder_source(path.absolute())


def folder_source(folder: Path) -> PictureFiles:
    """Every picture file below a folder, in the order of the walk."""
    root = os.fsencode(folder)
    files = list(walk(root, WalkTally()))
    return PictureFiles(
        folder.name, [FileToRead(root + b"/" + file.path, root) for file in files], [file.size for file in files]
    )


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
