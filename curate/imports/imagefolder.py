"""ImageFolder: a folder for each label; its photos are known by the hash of their bytes, whatever they are called."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from catalog.find_images import images_by_sha256
from catalog.label_names import folder_label
from catalog.ledger import Ledger
from curate.exports.names import ENDINGS
from curate.exports.target import MARK
from curate.imports.taking import Claim, Imported, ImportRefused, Taking

PHOTOS_AT_ONCE = 1000
SUFFIXES = {*ENDINGS.values(), ".jpeg", ".tiff"}


def import_imagefolder(
    ledger: Ledger, root: Path, *, author: str, progress: Callable[[int], None] = lambda files: None
) -> Imported:
    """Take the names of the folders directly below `root` as labels of the photos in them, at any depth.

    Only photos that are known here: this reads labels, an ingest reads photos. Raises ImportRefused, OSError.
    """
    taking = Taking(ledger, author=author)
    named = _labels(root)
    photos = _photos(root)
    while page := list(islice(photos, PHOTOS_AT_ONCE)):
        hashed: list[tuple[Path, str, str]] = []
        for path in page:
            shown = ascii(str(path))
            folder = path.relative_to(root).parts[0]
            label = named.get(folder) or folder_label(os.fsencode(folder) + b"/")
            if path.parent == root or label is None:
                taking.done.refuse(shown, "it lies in no label's folder")
                continue
            try:
                with path.open("rb") as source:
                    hashed.append((path, hashlib.file_digest(source, "sha256").hexdigest(), label))
            except OSError as error:
                taking.done.refuse(shown, error.strerror or str(error))
        images = images_by_sha256(ledger, {sha256 for _, sha256, _ in hashed})
        taking.take([Claim(ascii(str(path)), images.get(sha256), label, "yes") for path, sha256, label in hashed])
        progress(len(page))
    if not taking.done.rows:
        raise ImportRefused(f"{root} holds no photos in folders: it should be FOLDER/label/photo.jpg.")
    return taking.done


def _labels(root: Path) -> dict[str, str]:
    """What an export noted of labels whose names no folder can have."""
    try:
        folders = json.loads((root / MARK).read_text(encoding="utf-8"))["folders"]
        return {str(folder): str(label) for folder, label in folders.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _photos(root: Path) -> Iterator[Path]:
    """The pictures below the folder, in order; links to folders are not followed, links to files are."""
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder) / name
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES and path.is_file():
                yield path
