"""The pictures to try that an empty page offers: files of one folder that the installation itself has written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

OFFERED = 40
LARGEST_BYTES = 4 * 2**20
# By their first bytes: only what every browser shows, and never SVG, which is a program.
KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True)
class OfferedPicture:
    """A picture to try."""

    name: str
    path: Path
    sha256: str
    mime: str


def offered(folder: Path | None) -> list[OfferedPicture]:
    """The JPEG and PNG files directly in `folder`, by name; none if there is no such folder."""
    if folder is None or not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.iterdir())[:1000]:
        if path.is_symlink() or not path.is_file():
            continue
        status = path.stat()
        if status.st_size <= LARGEST_BYTES and (picture := identified(path, status.st_mtime_ns, status.st_size)):
            found.append(picture)
    return found[:OFFERED]


@lru_cache(maxsize=1000)
def identified(path: Path, mtime_ns: int, size: int) -> OfferedPicture | None:
    """The file as a picture to try, None if it is none; time and size tell a changed file from a known one."""
    data = path.read_bytes()
    for start, mime in KINDS.items():
        if data.startswith(start):
            return OfferedPicture(path.name, path, hashlib.sha256(data).hexdigest(), mime)
    return None


def find(folder: Path | None, name: str) -> OfferedPicture | None:
    """The picture of that name among those offered: a name is looked up, never joined to a path."""
    return next((picture for picture in offered(folder) if picture.name == name), None)
