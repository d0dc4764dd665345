"""The artifact store: immutable files under slash-separated keys, in a local folder or in an object store."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlparse
from uuid import uuid4

from catalog.errors import CatalogError
from catalog.fault_points import reach

_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,200}")
# A write that was cut off leaves a name with this ending. No listing shows it, and a later write clears old ones away.
PARTIAL = ".partial"
STALE_PARTIAL_S = 3600.0


class ArtifactError(CatalogError):
    """The store cannot be read or written; the message names the key and the remedy."""


class ArtifactMissing(ArtifactError):
    """There is nothing under this key."""

    def __init__(self, key: str, where: str) -> None:
        self.key = key
        super().__init__(f"{key} is not in the artifact store {where}; `ruiji doctor --repair` mends what it can.")


class InvalidKey(ArtifactError):
    """The key is not made of plain names."""


def check_key(key: str) -> str:
    """Return the key if each segment is of A-Z a-z 0-9 . _ - and none is `.` or `..`; raise InvalidKey otherwise."""
    segments = key.split("/")
    if len(key) > 900 or any(not _SEGMENT.fullmatch(part) or set(part) == {"."} for part in segments):
        raise InvalidKey(f"{key[:80]!r} cannot be an artifact's key: use letters, digits, '.', '_', '-' and '/'.")
    if key.endswith(PARTIAL):
        raise InvalidKey(f"{key[:80]!r} cannot be an artifact's key: {PARTIAL} marks unfinished writes.")
    return key


class Backend(Protocol):
    """What a place that keeps artifacts can do. Keys are valid; a missing one is a FileNotFoundError."""

    def write(self, key: str, data: bytes | Path, *, durable: bool) -> None:
        """Store the bytes, or the file's; they appear under the key whole or not at all."""

    def read(self, key: str, start: int, end: int | None) -> bytes:
        """Return the bytes from start to end."""

    def size(self, key: str) -> int:
        """Return the number of bytes."""

    def modified(self, key: str) -> float:
        """Return the time of the write, in seconds since 1970."""

    def remove(self, key: str) -> None:
        """Remove the artifact."""

    def walk(self, prefix: str) -> Iterator[str]:
        """Yield the keys that start with the prefix."""


class ArtifactStore:
    """Artifacts by key; safe to use from many threads and processes."""

    def __init__(self, url: str | Path) -> None:
        """Use a folder (a path or `file://…`) or, through fsspec, an object store such as `s3://bucket/folder`."""
        self.url = str(url)
        self._root = _local_root(url)
        self._backend: Backend
        if self._root is not None:
            self._backend = LocalFolder(self._root)
        else:
            from catalog.remote_artifacts import ObjectStore

            self._backend = ObjectStore(self.url)

    def put(self, key: str, data: bytes, *, durable: bool = True) -> None:
        """Store bytes, durably and atomically: a reader sees the old artifact or the new one, never a part.

        `durable=False` is for what may go when the power fails, and may be cut short by it.
        """
        self._write(key, data, durable=durable)

    def put_file(self, key: str, path: Path) -> None:
        """Store a copy of a local file, durably and atomically."""
        self._write(key, path)

    def get(self, key: str) -> bytes:
        """Return all bytes; raises ArtifactMissing."""
        return self._read(key, 0, None)

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on; fewer where the artifact ends sooner."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length must not be negative")
        return self._read(key, offset, offset + length)

    def exists(self, key: str) -> bool:
        """Whether there is something under this key."""
        try:
            self.size(key)
        except ArtifactMissing:
            return False
        return True

    def size(self, key: str) -> int:
        """Return the number of bytes; raises ArtifactMissing."""
        try:
            return self._backend.size(check_key(key))
        except FileNotFoundError as error:
            raise ArtifactMissing(key, self.url) from error
        except OSError as error:
            raise self._failed("read", key, error) from error

    def delete(self, key: str) -> bool:
        """Remove the artifact; False if there was none."""
        try:
            self._backend.remove(check_key(key))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._failed("remove", key, error) from error
        return True

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys below a folder (`shards/ab12`) in no order; all of them for an empty prefix."""
        if prefix:
            check_key(prefix.rstrip("/"))
        return self._backend.walk(prefix.rstrip("/"))

    def mtime(self, key: str) -> float:
        """Return when the artifact was written, in seconds since 1970; raises ArtifactMissing."""
        try:
            return self._backend.modified(check_key(key))
        except FileNotFoundError as error:
            raise ArtifactMissing(key, self.url) from error

    def age(self, key: str) -> float:
        """Return the seconds since the artifact was written; raises ArtifactMissing."""
        return max(0.0, time.time() - self.mtime(key))

    def local_path(self, key: str) -> Path | None:
        """Return the file that holds the artifact, to be mapped and never changed; None where there is no such file."""
        check_key(key)
        return None if self._root is None else self._root / key

    def free_bytes(self) -> int | None:
        """Return the room left on the disk; None for an object store."""
        if self._root is None:
            return None
        there = next(folder for folder in (self._root, *self._root.parents) if folder.exists())
        return shutil.disk_usage(there).free  # where the folder would be made, if it is not there yet

    def _write(self, key: str, data: bytes | Path, *, durable: bool = True) -> None:
        try:
            self._backend.write(check_key(key), data, durable=durable)
        except OSError as error:
            raise self._failed("write", key, error) from error

    def _read(self, key: str, start: int, end: int | None) -> bytes:
        try:
            return self._backend.read(check_key(key), start, end)
        except FileNotFoundError as error:
            raise ArtifactMissing(key, self.url) from error
        except OSError as error:
            raise self._failed("read", key, error) from error

    def _failed(self, verb: str, key: str, error: OSError) -> ArtifactError:
        reason = error.strerror or str(error)
        return ArtifactError(
            f"Cannot {verb} {key} in {self.url}: {reason}. Check the disk's space and the permissions."
        )


class LocalFolder:
    """Artifacts as files below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, key: str, data: bytes | Path, *, durable: bool) -> None:
        """Write a temporary file, sync it, rename it, sync its folder; without the syncs unless `durable`."""
        target = self._root / key
        made = _make_folders(target.parent)
        partial = target.with_name(f".{target.name[:150]}.{uuid4().hex}{PARTIAL}")
        try:
            with partial.open("xb") as sink:
                if isinstance(data, Path):
                    with data.open("rb") as source:
                        shutil.copyfileobj(source, sink, 1 << 20)
                else:
                    sink.write(data)
                if durable:
                    sink.flush()
                    os.fsync(sink.fileno())
                    reach("artifact.written")
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        for folder in (target.parent, *made) if durable else ():
            _sync_folder(folder)

    def read(self, key: str, start: int, end: int | None) -> bytes:
        """Read a part of the file."""
        with (self._root / key).open("rb") as source:
            source.seek(start)
            return source.read() if end is None else source.read(end - start)

    def size(self, key: str) -> int:
        """Return the file's size; a folder is no artifact."""
        path = self._root / key
        if not path.is_file():
            raise FileNotFoundError(path)
        return path.stat().st_size

    def modified(self, key: str) -> float:
        """Return the file's modification time."""
        return (self._root / key).stat().st_mtime

    def remove(self, key: str) -> None:
        """Remove the file."""
        path = self._root / key
        path.unlink()
        _sync_folder(path.parent)

    def walk(self, prefix: str) -> Iterator[str]:
        """Yield the files below the folder, and clear away what a write that was cut off long ago has left."""
        for folder, _, names in os.walk(self._root / prefix):
            for name in names:
                path = Path(folder) / name
                if not name.endswith(PARTIAL):
                    yield path.relative_to(self._root).as_posix()
                elif time.time() - _mtime_or_now(path) > STALE_PARTIAL_S:
                    path.unlink(missing_ok=True)


def _local_root(url: str | Path) -> Path | None:
    if isinstance(url, Path):
        return url.absolute()
    parsed = urlparse(url)
    if parsed.scheme == "file":
        return Path(unquote(parsed.path)).absolute()
    return Path(url).absolute() if "://" not in url else None


def _make_folders(folder: Path) -> list[Path]:
    """Create the folder and return the parents of those created, deepest first: their entries need a sync too."""
    parents = []
    missing = folder
    while not missing.exists():
        parents.append(missing.parent)
        missing = missing.parent
    folder.mkdir(parents=True, exist_ok=True)
    return parents


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # no handle of a folder to sync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mtime_or_now(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
