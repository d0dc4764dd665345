"""Artifacts in an object store that fsspec can reach; loaded only when one is configured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec


class ObjectStore:
    """Artifacts as objects below a prefix. One PUT is atomic in object stores, so there is no temporary name."""

    def __init__(self, url: str) -> None:
        filesystem, root = fsspec.core.url_to_fs(url)
        self._files: Any = filesystem
        self._root = str(root).rstrip("/")

    def write(self, key: str, data: bytes | Path, *, durable: bool) -> None:
        """Upload in one go; the object appears when the upload has ended, and is durable then."""
        if isinstance(data, Path):
            self._files.put_file(str(data), self._path(key))
        else:
            self._files.pipe_file(self._path(key), data)

    def read(self, key: str, start: int, end: int | None) -> bytes:
        """Fetch a range."""
        return bytes(self._files.cat_file(self._path(key), start=start, end=end))

    def size(self, key: str) -> int:
        """Ask for the object's size; never from a cached listing, for others write too."""
        self._files.invalidate_cache()
        info = self._files.info(self._path(key))
        if info["type"] != "file":
            raise FileNotFoundError(key)
        return int(info["size"])

    def modified(self, key: str) -> float:
        """Ask for the object's modification time."""
        return float(self._files.modified(self._path(key)).timestamp())

    def remove(self, key: str) -> None:
        """Remove the object."""
        self._files.rm_file(self._path(key))

    def walk(self, prefix: str) -> Iterator[str]:
        """List the objects below the folder."""
        self._files.invalidate_cache()
        base = f"{self._root}/{prefix}" if prefix else self._root
        try:
            found = self._files.find(base)
        except FileNotFoundError:
            return
        for path in found:
            yield str(path)[len(self._root) + 1 :]

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"
