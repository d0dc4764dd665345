"""Which folders may be ingested from the page: those below the allowed roots, wherever links lead."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import ApiError
from .remedies import changed_by

PICTURE_ENDINGS = (b".jpg", b".jpeg", b".png", b".webp", b".bmp", b".gif", b".tif", b".tiff")
COUNTED_ENTRIES = 2000  # of one folder: the page needs an order of magnitude
LISTED_FOLDERS = 1000
LISTING_S = 1.0  # after this the rest of the folders are listed uncounted


@dataclass(frozen=True)
class FolderCount:
    """A folder with the pictures directly in it; `more` when not all of its entries were looked at.

    `path` is None for a name that is not UTF-8 text.
    """

    name: str
    path: str | None
    pictures: int
    more: bool


@dataclass(frozen=True)
class Listing:
    """A folder's own count and its sub-folders by name."""

    path: Path
    parent: Path | None
    own: FolderCount
    folders: tuple[FolderCount, ...]


def resolve(path: str, roots: Sequence[Path], *, file_ending: str | None = None) -> Path:
    """The real folder behind `path`; ApiError 403 outside the allowed roots (existing or not), 404 where none is.

    With `file_ending`, a file that ends so will do as well.
    """
    try:
        asked = Path(path).expanduser()
        if not asked.is_absolute():
            raise ApiError(400, "not_absolute", f"{path}: give the folder's full path, starting with /.")
        real = Path(os.path.realpath(asked))
    except (ValueError, RuntimeError):  # a null character; a ~ without a home
        raise ApiError(400, "bad_path", "That is not a path.") from None
    if not is_below(real, roots):
        names = ", ".join(str(root) for root in roots) or "none"
        raise ApiError(
            403,
            "outside_allowed_roots",
            f"{path} is not below a folder that this server may read. Allowed: {names}."
            f" {changed_by('RUIJI_ALLOWED_ROOTS')}",
        )
    try:
        found = real.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ApiError(404, "folder_missing", f"{path}: there is no such folder.") from None
    except OSError as error:
        raise unreadable(path, error) from None
    if file_ending is not None and stat.S_ISREG(found.st_mode) and real.name.lower().endswith(file_ending):
        return real
    if not stat.S_ISDIR(found.st_mode):
        raise ApiError(400, "not_a_folder", f"{path} is a file; give the folder that holds it.")
    return real


def is_below(real: Path, roots: Sequence[Path]) -> bool:
    """Whether a real path is one of the roots' real paths or below one."""
    return any(real.is_relative_to(os.path.realpath(root)) for root in roots)


def unreadable(path: str, error: OSError) -> ApiError:
    reason = error.strerror or "it cannot be read"
    return ApiError(403, "folder_unreadable", f"{path}: {reason}. Give the server's user the right to read it.")


def has_files(folder: Path, *, entries: int = 20_000) -> bool:
    """Whether a file lies anywhere below; True too when `entries` entries did not tell."""
    seen = 0
    for _, folders, files in os.walk(os.fsencode(folder)):
        seen += len(folders) + len(files)
        if files or seen > entries:
            return True
    return False


def listing(path: str, roots: Sequence[Path]) -> Listing:
    """A folder below the allowed roots with its sub-folders; hidden ones are left out, and links that lead outside."""
    folder = resolve(path, roots)
    until = time.monotonic() + LISTING_S
    try:
        children = sorted(sub_folders(folder, roots), key=lambda child: child.name.lower())
    except OSError as error:
        raise unreadable(path, error) from None
    return Listing(
        path=folder,
        parent=folder.parent if is_below(folder.parent, roots) else None,
        own=count(os.fsencode(folder), until=until),
        folders=tuple(count(os.fsencode(child), until=until) for child in children),
    )


def sub_folders(folder: Path, roots: Sequence[Path]) -> Iterator[Path]:
    left = LISTED_FOLDERS
    with os.scandir(folder) as entries:
        for entry in entries:
            child = Path(entry.path)
            if entry.name.startswith(".") or not leads_to_folder(entry):
                continue
            if entry.is_symlink() and not is_below(Path(os.path.realpath(child)), roots):
                continue
            yield child
            left -= 1
            if not left:
                return


def leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False


def count(folder: bytes, *, until: float = float("inf")) -> FolderCount:
    """Count the pictures directly in a folder, by their endings; nothing is opened."""
    pictures, more = 0, False
    try:
        with os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= COUNTED_ENTRIES or time.monotonic() > until:
                    more = True
                    break
                pictures += entry.name.lower().endswith(PICTURE_ENDINGS)
    except OSError:
        more = True
    return FolderCount(name=text(folder.rpartition(b"/")[2]), path=utf8(folder), pictures=pictures, more=more)


def text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def utf8(path: bytes) -> str | None:
    try:
        return path.decode("utf-8")
    except UnicodeDecodeError:
        return None
