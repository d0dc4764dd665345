"""The photos of an export: the very bytes that were labelled, copied or linked."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from itertools import chain
from pathlib import Path

from catalog.labelled import File, LabelledImage
from catalog.storage.address import is_object
from catalog.storage.errors import StoreError
from catalog.storage.pictures import PictureStorage
from curate.exports.formats import Photos
from curate.exports.target import ExportRefused

BLOCK = 1 << 20
MOST_BYTES = 1 << 30  # of one photo: the ingest takes less


def place_photo(image: LabelledImage, target: Path, *, mode: Photos, storage: PictureStorage) -> bool:
    """Put the image's photo at `target`; False when none of its files holds the labelled bytes any more.

    A copy is compared by its hash; a link by size and time, as the ingest does. ExportRefused for what cannot be
    linked.
    """
    for file in image.files:
        try:
            if mode is Photos.COPY:
                if _copied(storage, file.path, target, sha256=image.sha256):
                    return True
            elif is_object(file.path):
                raise ExportRefused(f"{os.fsdecode(file.path)!r} is no file that a link can lead to: say --files copy.")
            elif _unchanged(here := storage.here(file.path), file):
                _link(here, target, mode=mode)
                return True
        except StoreError:
            continue
        except OSError as error:
            if _ours(error, target):
                raise
    return False


def _unchanged(path: bytes, file: File) -> bool:
    found = Path(os.fsdecode(path)).stat()
    return stat.S_ISREG(found.st_mode) and (found.st_size, found.st_mtime_ns) == (file.size, file.mtime_ns)


def _link(path: bytes, target: Path, *, mode: Photos) -> None:
    photo = Path(os.fsdecode(path))
    if mode is Photos.SYMLINK:
        target.symlink_to(photo)
        return
    try:
        target.hardlink_to(photo.resolve())
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise ExportRefused(
                f"{str(photo)!r} cannot be hard-linked to {target.parent}: export to the same disk, or say "
                "--files copy."
            ) from error
        raise


def _copied(storage: PictureStorage, path: bytes, target: Path, *, sha256: str) -> bool:
    digest = hashlib.sha256()
    kept = False
    blocks = storage.blocks(path, max_bytes=MOST_BYTES)
    try:
        first = next(blocks, b"")  # before the target is made: there may be no such photo
        with target.open("xb") as sink:
            for block in chain((first,), blocks):
                digest.update(block)
                sink.write(block)
        kept = digest.hexdigest() == sha256
    finally:
        if not kept:
            target.unlink(missing_ok=True)
    return kept


def _ours(error: OSError, target: Path) -> bool:
    """Whether the trouble is where we write: a full disk ends the export, a photo that cannot be read is left out."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return error.errno in full or str(target) in (str(error.filename), str(error.filename2))
