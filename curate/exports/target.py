"""Where an export goes: written beside its place under another name, and put there whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from catalog.errors import CatalogError

# What tells a folder that an export made, which a later one may take the place of, from a person's photos.
MARK = ".ruiji-export.json"


class ExportRefused(CatalogError):
    """The export cannot be written; the message names the file and the remedy."""


@contextlib.contextmanager
def new_file(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """A file to write, which is at `target` when the block ends well, synced to the disk; else nothing is left."""
    if target.is_dir():
        raise ExportRefused(f"{target} is a folder: name a file.")
    if not overwrite and os.path.lexists(target):
        raise ExportRefused(f"{target} exists: choose another name, or say --overwrite.")
    partial = _beside(target)
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        if overwrite:
            partial.replace(target)
        else:
            _put(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(target: Path, *, overwrite: bool, mark: dict[str, Any]) -> Iterator[Path]:
    """The same for a folder; one that is there already is replaced only if it is empty, or an export and `overwrite`.

    `mark` is kept in it, for whoever reads it back.
    """
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        if not (target / MARK).is_file() or target.is_symlink():
            raise ExportRefused(f"{target} exists and is no export: choose another name.")
        if not overwrite:
            raise ExportRefused(f"{target} exists: choose another name, or say --overwrite.")
    partial = _beside(target)
    try:
        partial.mkdir()
        (partial / MARK).write_text(json.dumps(mark, indent=1), encoding="utf-8")
        yield partial
        if (target / MARK).is_file():
            old = _beside(target)
            target.rename(old)
            try:
                partial.rename(target)
            except OSError:
                old.rename(target)
                raise
            shutil.rmtree(old)
        else:
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _beside(target: Path) -> Path:
    if not target.parent.is_dir():
        raise ExportRefused(f"{target.parent}: there is no such folder; make it first.")
    return target.with_name(f".{target.name[:100]}.{uuid4().hex}.partial")


def _put(partial: Path, target: Path) -> None:
    """Rename, but never over a file that has come there meanwhile."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise ExportRefused(f"{target} exists: choose another name, or say --overwrite.") from None
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise ExportRefused(f"{target} exists: choose another name, or say --overwrite.") from None
        partial.rename(target)
