"""Names of folders and files that every file system takes, whatever a label or a photo is called."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

LONGEST_BYTES = 120  # room for an id and an ending below the 255 that file systems allow
_FORBIDDEN = set('/\\:*?"<>|\ufffd')
# Names of devices on Windows, with any ending.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{digit}" for name in ("com", "lpt") for digit in "123456789")}
ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "GIF": ".gif", "TIFF": ".tif"}


def safe_name(text: str) -> str:
    """The text as one part of a path: nothing that hides it, leads elsewhere, or is an option to some program."""
    plain = unicodedata.normalize("NFC", text)
    plain = "".join("_" if one in _FORBIDDEN or not one.isprintable() else one for one in plain)
    plain = plain.encode("utf-8", "replace")[:LONGEST_BYTES].decode("utf-8", "ignore").rstrip(". ").lstrip(" ")
    if not plain or plain[0] in ".-~" or plain.partition(".")[0].casefold() in _DEVICES:
        plain = f"_{plain}"
    return plain


def folder_names(labels: Iterable[str]) -> dict[str, str]:
    """Label -> the name of its folder; none is another's, even where upper and lower case are the same."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        wanted = name = safe_name(label)
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(name.casefold())
        found[label] = name
    return found


def file_name(path: bytes, image_id: int, format: str) -> str:
    """The photo's own name with the image's id, which no other has, and the ending of what is in it."""
    stem = PurePosixPath(path.decode("utf-8", "replace")).stem
    return f"{safe_name(stem)}-{image_id}{ENDINGS.get(format, '.' + safe_name(format.lower()))}"


def shown_path(path: bytes) -> str:
    """A path as text that every program reads; a byte that is not UTF-8 is written as \\xff."""
    return path.decode("utf-8", "backslashreplace")
