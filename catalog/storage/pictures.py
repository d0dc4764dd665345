"""PictureStorage: the one place that knows where this machine reads the pictures of a source."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from catalog.storage.address import Bucket, is_object, parse_bucket
from catalog.storage.errors import InvalidAddress, StoreError
from catalog.storage.objects import ObjectStores
from catalog.storage.path_map import PathMap

BLOCK = 1 << 20
MOUNT_IT = "mount it there, or say in RUIJI_PATH_MAP where it is"
OPEN_IT = "check the bucket's name, RUIJI_S3_ENDPOINT, and the keys in that machine's environment"


class PictureStorage:
    """Roots and paths are the ledger's bytes: an absolute path, or the address of a bucket or object."""

    def __init__(self, *, path_map: PathMap | None = None, objects: ObjectStores | None = None) -> None:
        self.objects = objects or ObjectStores()
        self._map = path_map or PathMap()

    @classmethod
    def of(cls, *, path_map: str, schemes: Collection[str], s3_endpoint: str, at_once: int) -> PictureStorage:
        """From values of the settings; InvalidPathMap."""
        objects = ObjectStores(schemes=schemes, s3_endpoint=s3_endpoint, at_once=at_once)
        return cls(path_map=PathMap.parse(path_map), objects=objects)

    def root_of(self, given: str | Path) -> bytes:
        """What the ledger calls a folder or bucket that a person of this machine names; InvalidAddress."""
        if is_object(os.fsencode(given)):
            return parse_bucket(str(given), self.objects.schemes).root
        return self._map.recorded(os.fsencode(Path(given).expanduser().resolve()))

    def here(self, path: bytes) -> bytes:
        """Where this machine finds a folder or file; an object is where it is for everybody."""
        return path if is_object(path) else self._map.here(path)

    def bucket(self, root: bytes) -> Bucket:
        """A source's root as a bucket; StoreError for one that is not allowed on this machine."""
        try:
            return parse_bucket(root.decode("utf-8", "replace"), self.objects.schemes)
        except InvalidAddress as error:
            raise StoreError("forbidden", str(error).rstrip(".")) from error

    def blocks(self, path: bytes, *, max_bytes: int) -> Iterator[bytes]:
        """The bytes of a picture's file, some at a time; OSError, or StoreError for an object."""
        if is_object(path):
            yield from self.objects.pieces(path, max_bytes=max_bytes)
            return
        file = Path(os.fsdecode(self.here(path)))
        if not file.is_file():  # a pipe of that name would be waited for
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
        with file.open("rb") as source:
            while block := source.read(BLOCK):
                yield block

    def unseen(self, root: bytes) -> str | None:
        """Why this machine sees nothing of a source, and what to do about it; None when it sees something.

        A folder that is there and empty counts as unseen: so a mount point looks when nothing is mounted.
        """
        if is_object(root):
            try:
                trouble = self.objects.trouble(self.bucket(root))
            except StoreError as error:
                trouble = error
            return None if trouble is None else f"{trouble}: {OPEN_IT}"
        here = self.here(root)
        try:
            with os.scandir(here) as entries:
                words = "" if next(entries, None) is not None else "it is empty"
        except OSError as error:
            words = error.strerror or str(error)
        return f"the folder {self.shown(root)} cannot be read ({words}): {MOUNT_IT}" if words else None

    def shown(self, root: bytes) -> str:
        """A folder as this machine has it, and as the ledger calls it if that is something else."""
        here = self.here(root)
        name = repr(os.fsdecode(here))
        return name if here == root else f"{name}, recorded as {os.fsdecode(root)!r},"
