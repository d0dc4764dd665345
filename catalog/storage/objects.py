"""Object stores through fsspec: objects listed page by page, read with retries, and every failure in plain words.

Credentials come from where the store's library looks for them (AWS_ACCESS_KEY_ID, a profile, a machine's role) and are
known to nobody else here. fsspec's chained addresses and caches are not used: only the schemes that were allowed.
"""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.storage.address import Bucket, split_object
from catalog.storage.errors import StoreError

PIECE = 8 << 20  # bytes asked for at once: most photos are one request
PAGE = 1000  # the most that S3 lists at once
_S3_OPTIONS = {"connect_timeout": 5, "read_timeout": 30, "retries": {"mode": "standard", "total_max_attempts": 3}}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object below a bucket's prefix: its key after the prefix, its bytes, and a number that changes with it."""

    path: bytes
    size: int
    version: int


class ObjectStores:
    """The object stores that sources may lie in; connections are made when they are needed, and shared by threads."""

    def __init__(self, *, schemes: Collection[str] = ("s3",), s3_endpoint: str = "", at_once: int = 16) -> None:
        self.schemes = frozenset(schemes)
        self.at_once = at_once
        self._s3_endpoint = s3_endpoint
        self._stores: dict[str, Any] = {}
        self._lock = threading.Lock()

    def listed(self, bucket: Bucket) -> Iterator[StoredObject]:
        """Every object below a bucket's prefix, in the store's order, a page in memory at a time; StoreError."""
        for key, info in self._infos(bucket):
            if key.startswith(bucket.below) and not key.endswith("/"):
                path = key.removeprefix(bucket.below).encode("utf-8", "surrogateescape")
                yield StoredObject(path, int(info.get("Size", info.get("size")) or 0), _version(info))

    def pieces(self, path: bytes, *, max_bytes: int) -> Iterator[bytes]:
        """An object's bytes, at most PIECE at a time; StoreError, also for more than `max_bytes`."""
        scheme, bucket, key = split_object(path)
        store, start = self._store(scheme), 0
        while True:
            try:
                piece = bytes(store.cat_file(f"{bucket}/{key}", start=start, end=start + PIECE))
            except Exception as error:
                if _code(error) != "InvalidRange":  # nothing is left, or nothing was ever there
                    raise _fault(error, _name(path)) from error
                piece = b""
            start += len(piece)
            if start > max_bytes:
                raise StoreError("too_large", f"the object has more than the {max_bytes:,} bytes allowed")
            if piece:
                yield piece
            if len(piece) < PIECE:
                return

    def trouble(self, bucket: Bucket) -> StoreError | None:
        """Why nothing below a bucket's prefix can be read at present; None when something is there. One request."""
        try:
            for _, _ in self._infos(bucket, only_one=True):
                return None
        except StoreError as error:
            return error
        return StoreError("missing", f"there is nothing in {bucket}")

    def folders(self, bucket: Bucket) -> tuple[list[str], list[str], bool]:
        """The names of the prefixes and objects directly below, of the first page only, and whether there is more."""
        store = self._store(bucket.scheme)
        try:
            if hasattr(store, "call_s3"):
                page = store.call_s3(
                    "list_objects_v2", Bucket=bucket.name, Prefix=bucket.below, Delimiter="/", MaxKeys=PAGE
                )
                below = [one["Prefix"].removeprefix(bucket.below).rstrip("/") for one in page.get("CommonPrefixes", ())]
                here = [one["Key"].removeprefix(bucket.below) for one in page.get("Contents", ())]
                return below, here, bool(page.get("IsTruncated"))
            found = store.ls(f"{bucket.name}/{bucket.prefix}".rstrip("/"), detail=True)
        except Exception as error:
            raise _fault(error, str(bucket)) from error
        names = {kind: [_last(one["name"]) for one in found if one["type"] == kind] for kind in ("directory", "file")}
        return names["directory"][:PAGE], names["file"][:PAGE], len(found) > PAGE

    def _infos(self, bucket: Bucket, *, only_one: bool = False) -> Iterator[tuple[str, Any]]:
        """(key, what the store tells of it)."""
        store = self._store(bucket.scheme)
        pages = self._s3_pages(store, bucket, PAGE) if hasattr(store, "call_s3") else self._other_pages(store, bucket)
        if only_one and hasattr(store, "call_s3"):
            pages = self._s3_pages(store, bucket, 1)
        try:
            yield from pages
        except StoreError:
            raise
        except Exception as error:
            raise _fault(error, str(bucket)) from error

    @staticmethod
    def _s3_pages(store: Any, bucket: Bucket, most: int) -> Iterator[tuple[str, Any]]:
        """s3fs would hold a whole folder's objects in memory: here a page follows the other."""
        more: dict[str, str] = {}
        while True:
            page = store.call_s3("list_objects_v2", Bucket=bucket.name, Prefix=bucket.below, MaxKeys=most, **more)
            for one in page.get("Contents", ()):
                yield one["Key"], one
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    @staticmethod
    def _other_pages(store: Any, bucket: Bucket) -> Iterator[tuple[str, Any]]:
        """Any other store of fsspec's, folder by folder."""
        base = f"{bucket.name}/{bucket.prefix}".rstrip("/")
        store.info(base)  # what is not there is an error, and not an empty walk
        for _, _, files in store.walk(base, detail=True):
            for info in files.values():
                yield str(info["name"]).lstrip("/").partition("/")[2], info

    def _store(self, scheme: str) -> Any:
        if scheme not in self.schemes:
            raise StoreError("forbidden", f"{scheme}:// is not allowed here: add it to RUIJI_SOURCE_SCHEMES")
        with self._lock:
            if scheme not in self._stores:
                self._stores[scheme] = self._open(scheme)
            return self._stores[scheme]

    def _open(self, scheme: str) -> Any:
        import fsspec

        options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
        if scheme == "s3":
            options["config_kwargs"] = {**_S3_OPTIONS, "max_pool_connections": self.at_once}
            if self._s3_endpoint:
                options["endpoint_url"] = self._s3_endpoint
        try:
            store = fsspec.filesystem(scheme, **options)
            if scheme == "s3":
                store.retries = 2  # of whole requests, each of which botocore tries three times: 5 would take minutes
            return store
        except (ImportError, ValueError) as error:
            extra = "Ruiji's extra s3 (s3fs)" if scheme == "s3" else "fsspec's package for it"
            raise StoreError("forbidden", f"{scheme}:// cannot be read: install {extra} on this machine") from error


def _version(info: Any) -> int:
    """Whole seconds of the last change as nanoseconds, and below them a hash of the ETag, where no store has digits.

    So it fits where the time of a file stands, and tells two objects of one second apart. Without an ETag: the time.
    """
    tag = str(info.get("ETag") or info.get("etag") or "")
    changed = next((info[name] for name in ("LastModified", "last_modified", "mtime", "created") if info.get(name)), 0)
    seconds = changed.timestamp() if isinstance(changed, datetime) else float(changed)
    if not tag:
        return int(seconds * 1_000_000) * 1000
    return int(seconds) * 10**9 + int.from_bytes(hashlib.sha256(tag.encode()).digest()[:8]) % 10**9


def _fault(error: Exception, name: str) -> StoreError:
    """What a library raised, in words for whoever runs this."""
    words = (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).strip().rstrip(".")
    words = " ".join(words.split())[:200] or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return StoreError("missing", f"{name} is not there ({words})")
    if isinstance(error, PermissionError) or "redentials" in type(error).__name__:
        return StoreError("forbidden", f"{name} may not be read ({words})")
    if isinstance(error, OSError) and error.errno == errno.EINVAL:
        return StoreError("forbidden", f"{name} was refused ({words})")
    return StoreError("unreachable", f"{name} cannot be reached ({words})")


def _code(error: Exception) -> str:
    """The store's own name of an error, which s3fs keeps in the error's cause."""
    answer = getattr(error.__cause__, "response", None) or {}
    return str(answer.get("Error", {}).get("Code", ""))


def _name(path: bytes) -> str:
    return path.decode("utf-8", "replace")


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]
