"""Fetch one archive over HTTP: checked by its digest, continued where it broke off."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# (what is being done, done so far, whole or None where it is not known)
Progress = Callable[[str, int, int | None], None]

BLOCK = 1 << 20
# Short, so that a machine without the internet goes on to the next source at once.
CONNECT_TIMEOUT_S = 5.0


class DataError(Exception):
    """A collection cannot be had or written; the message names what and the way out."""


class SourceUnreachable(DataError):
    """No bytes come from this address; another source may have them."""


class ArchiveDamaged(DataError):
    """What arrived, or what was given, is not the archive that was asked for."""


@dataclass(frozen=True)
class Archive:
    """A published file and the digest, or its first digits, that its publisher or a check of ours gives for it."""

    url: str
    algorithm: Literal["md5", "sha256"]
    digest: str

    @property
    def name(self) -> str:
        """The file's name, the last part of its address."""
        return self.url.rpartition("/")[2]


def file_digest(path: Path, *, algorithm: str) -> str:
    """Hex digest of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def check_digest(path: Path, *, algorithm: str, digest: str) -> None:
    """Raise ArchiveDamaged where the file's digest is another, or does not begin with what is known of it."""
    found = file_digest(path, algorithm=algorithm)
    if not digest or not found.startswith(digest):
        raise ArchiveDamaged(
            f"{path} has {algorithm} {found[:12]}…, expected {digest[:12]}…: delete it and fetch it again"
        )


def download(archive: Archive, folder: Path, *, progress: Progress | None = None, attempts: int = 4) -> Path:
    """The archive below `folder`, whole and checked; a part left by an earlier call is continued.

    Raises SourceUnreachable, with the part kept, or ArchiveDamaged, with the damaged file removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, part = folder / archive.name, folder / (archive.name + ".part")
    if not path.exists():
        for attempt in range(1, attempts + 1):
            size = part.stat().st_size if part.exists() else 0
            try:
                _append(archive, part, progress)
                break
            except (OSError, http.client.HTTPException) as error:
                grown = part.exists() and part.stat().st_size > size
                # An address that gives nothing twice is not tried again; one that gives some is.
                if attempt == attempts or not grown:
                    raise SourceUnreachable(f"{archive.url}: {error}") from error
        part.replace(path)
    try:
        check_digest(path, algorithm=archive.algorithm, digest=archive.digest)
    except ArchiveDamaged:
        path.unlink()
        raise
    return path


def _append(archive: Archive, part: Path, progress: Progress | None) -> None:
    """Fetch what is missing of `part`; a server that knows no ranges starts it anew."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "ruiji", **({"Range": f"bytes={have}-"} if have else {})}
    if not archive.url.startswith(("https://", "http://")):
        raise DataError(f"{archive.url} is not a web address")
    request = urllib.request.Request(archive.url, headers=headers)  # noqa: S310
    context = ssl.create_default_context()
    try:
        answer = urllib.request.urlopen(request, timeout=CONNECT_TIMEOUT_S, context=context)  # noqa: S310
    except urllib.error.HTTPError as error:
        # 416: the part is already as long as the file; its digest decides whether it is the file.
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return
        raise
    with answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0
        left = answer.headers.get("Content-Length")
        whole = have + int(left) if left else None
        with part.open("ab" if have else "wb") as file:
            while block := answer.read(BLOCK):
                file.write(block)
                have += len(block)
                if progress is not None:
                    progress(f"Fetching {archive.name}", have, whole)
    if whole is not None and have < whole:
        raise http.client.IncompleteRead(b"", whole - have)
