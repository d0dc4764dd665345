"""One folder, two paths: how the ledger calls it, and where this machine has mounted it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from catalog.storage.errors import InvalidPathMap

FORM = "RUIJI_PATH_MAP is RECORDED=HERE, several with commas: /data/photos=/mnt/nas/photos,/scans=/mnt/scans"


@dataclass(frozen=True)
class PathMap:
    """Pairs of absolute paths without a slash at the end, (recorded, here), the longest recorded one first."""

    pairs: tuple[tuple[bytes, bytes], ...] = ()

    @classmethod
    def parse(cls, text: str) -> PathMap:
        """Read the setting's form; InvalidPathMap. A path with a comma or an equals sign cannot be in it."""
        pairs: dict[bytes, bytes] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            sides = [side.strip() for side in part.split("=")]
            if len(sides) != 2 or not all(side.startswith("/") and ".." not in side.split("/") for side in sides):
                raise InvalidPathMap(f"{part!r} maps no absolute path to another: {FORM}.")
            recorded, here = (os.fsencode(os.path.normpath(side)).rstrip(b"/") for side in sides)
            if recorded in pairs:
                raise InvalidPathMap(f"{sides[0]!r} is mapped twice: {FORM}.")
            pairs[recorded] = here
        return cls(tuple(sorted(pairs.items(), key=lambda pair: len(pair[0]), reverse=True)))

    def here(self, path: bytes) -> bytes:
        """Where this machine finds a path of the ledger."""
        for root, here in self.pairs:
            if is_below(path, root):
                return (here + path[len(root) :]).rstrip(b"/") or b"/"
        return path

    def recorded(self, path: bytes) -> bytes:
        """What the ledger calls a path of this machine, also when the mounted folder is a symbolic link."""
        for root, here in sorted(self.pairs, key=lambda pair: len(pair[1]), reverse=True):
            for known in (here, os.path.realpath(here)):
                if is_below(path, known):
                    return root + path[len(known.rstrip(b"/")) :] or b"/"
        return path


def is_below(path: bytes, root: bytes) -> bool:
    """Whether a path is the root itself or lies below it."""
    root = root.rstrip(b"/")
    return path == root or path.startswith(root + b"/")
