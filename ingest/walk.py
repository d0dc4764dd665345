"""Walks a source's folder without following it out of itself: names are bytes, links to folders are not entered."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingest.mtime import mtime_ns

EXTENSIONS = frozenset(
    (b".jpg", b".jpeg", b".jpe", b".jfif", b".png", b".apng", b".webp", b".bmp", b".dib", b".gif", b".tif", b".tiff")
)


OUTSIDE = "the symbolic link leads out of the source: add the folder it points to instead"


class FolderMissingError(Exception):
    """The source's folder is not there or cannot be listed; nothing of it is taken for deleted."""


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file with a picture's extension: path relative to the root, and its size and time at the walk."""

    path: bytes
    size: int
    mtime_ns: int


@dataclass(slots=True)
class WalkTally:
    """What the walk left out: `ignored` files and links, folders that it could not list, with the reason, and what is
    `no_file` though it has a picture's name: path, one word, reason."""

    ignored: int = 0
    unreadable: list[tuple[bytes, str]] = field(default_factory=list)
    no_file: list[tuple[bytes, str, str]] = field(default_factory=list)


def walk(root: bytes, tally: WalkTally, *, tick: Callable[[], None] = lambda: None) -> Iterator[FolderFile]:
    """Every picture file below `root`, folder by folder in the order of names.

    Hidden files and folders are left out, as are symbolic links to folders (so no loop can be entered) and links to
    files outside of the root. `tick` is called at every entry, picture or not: a million of other files take their
    time too. Raises FolderMissingError.
    """
    try:
        top = os.path.realpath(root, strict=True)
    except OSError as error:
        raise _missing(root, error) from error
    inside = top.rstrip(b"/") + b"/"
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder) if folder else root) as found:  # noqa: PTH118  bytes
                entries = []
                for entry in found:
                    tick()
                    entries.append(entry)
        except OSError as error:
            if not folder:
                raise _missing(root, error) from error
            if not isinstance(error, FileNotFoundError):  # deleted meanwhile: its files are gone, not hidden
                tally.unreadable.append((folder, error.strerror or str(error)))
            continue
        folders = []
        for entry in sorted(entries, key=lambda entry: entry.name):
            tick()
            path = folder + b"/" + entry.name if folder else entry.name
            if entry.name.startswith(b"."):
                tally.ignored += 1
            elif entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif (file := _look(entry, path, inside, tally)) is not None:
                yield file
            else:
                tally.ignored += 1
        waiting += reversed(folders)


def _look(entry: os.DirEntry[bytes], path: bytes, inside: bytes, tally: WalkTally) -> FolderFile | None:
    if os.path.splitext(entry.name)[1].lower() not in EXTENSIONS:  # noqa: PTH122  bytes
        return None
    try:
        if entry.is_symlink() and not os.path.realpath(entry.path, strict=True).startswith(inside):
            tally.no_file.append((path, "outside", OUTSIDE))
            return None
        status = entry.stat()
    except OSError as error:
        if entry.is_symlink():
            words = error.strerror or str(error)
            tally.no_file.append((path, "dangling", f"the link leads nowhere ({words}): mend it or delete it"))
        return None  # otherwise a file that went away during the walk
    if stat.S_ISREG(status.st_mode):
        return FolderFile(path, status.st_size, mtime_ns(status))
    if not stat.S_ISDIR(status.st_mode):  # a link to a folder is none of ours
        tally.no_file.append((path, "not_a_file", "it is a pipe, a device or a socket, not a file: delete it"))
    return None


def _missing(root: bytes, error: OSError) -> FolderMissingError:
    name = os.fsdecode(root)
    words = error.strerror or str(error)
    return FolderMissingError(
        f"the folder {name!r} cannot be read ({words}): mount or restore it, or delete the source"
    )
