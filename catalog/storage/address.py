"""Addresses of pictures in object stores: s3://bucket/prefix/key, told apart from paths, taken apart and checked."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from catalog.storage.errors import InvalidAddress

_FORM = re.compile(rb"[a-z][a-z0-9+.-]*://")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


@dataclass(frozen=True)
class Bucket:
    """A bucket, or what lies below a prefix of it; `prefix` has no slash at either end."""

    scheme: str
    name: str
    prefix: str = ""

    def __str__(self) -> str:
        """As the ledger and the page call it."""
        return f"{self.scheme}://{self.name}" + (f"/{self.prefix}" if self.prefix else "")

    @property
    def root(self) -> bytes:
        """A source's root in the ledger."""
        return str(self).encode()

    @property
    def below(self) -> str:
        """What the keys of its objects begin with."""
        return f"{self.prefix}/" if self.prefix else ""

    def holds(self, other: Bucket) -> bool:
        """Whether the other is this one, or a part of it."""
        return (self.scheme, self.name) == (other.scheme, other.name) and other.below.startswith(self.below)


def is_object(path: bytes) -> bool:
    """Whether this is an address in an object store; paths of folders are absolute and begin with a slash."""
    return _FORM.match(path) is not None


def whole_path(root: bytes, path: bytes) -> bytes:
    """A file of a source: never anything but below its root, also where an object's key begins with a slash."""
    return root.rstrip(b"/") + b"/" + path


def parse_bucket(text: str, schemes: Collection[str]) -> Bucket:
    """The bucket or prefix of an address that a person gave; InvalidAddress.

    Nothing that a library could take for more than a name gets through: no login, no query, no second scheme.
    """
    scheme, marked, rest = text.partition("://")
    if not marked or scheme not in schemes:
        known = ", ".join(f"{one}://" for one in sorted(schemes)) or "none"
        raise InvalidAddress(f"{_shown(text)} cannot be a source: allowed are {known} (RUIJI_SOURCE_SCHEMES).")
    name, _, prefix = rest.partition("/")
    if "@" in name or ":" in name:
        raise InvalidAddress(
            f"{scheme}:// takes no login in the address: give the bucket alone, and the keys in the environment."
        )
    if not _BUCKET.fullmatch(name):
        raise InvalidAddress(f"{_shown(text)} names no bucket: the form is {scheme}://bucket/folder.")
    prefix = prefix.rstrip("/")
    parts = prefix.split("/") if prefix else []
    if any(part in ("", ".", "..") for part in parts) or not prefix.isprintable():
        raise InvalidAddress(f"{_shown(text)} has a part that is empty, '.', '..' or cannot be seen: leave it out.")
    return Bucket(scheme, name, prefix)


def split_object(path: bytes) -> tuple[str, str, str]:
    """(scheme, bucket, key) of an object's whole address, its key as it is: a key may hold what a path may not."""
    scheme, _, rest = path.decode("utf-8", "surrogateescape").partition("://")
    name, _, key = rest.partition("/")
    return scheme, name, key


def _shown(text: str) -> str:
    """Never a login that somebody has put into an address."""
    return repr(re.sub(r"//[^/@]*@", "//…@", text)[:200])
