"""Where an export is written to, piece by piece: a file, or whatever takes bytes one after the other."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import BinaryIO, cast


class Pieces(io.RawIOBase):
    """A file that can only be written to; `take` hands over what was written since and forgets it."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: object) -> int:
        """Keep the bytes until they are taken."""
        piece = bytes(cast(bytes, data))
        self._pieces.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        """How many bytes were written in all."""
        return self._written

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


@contextlib.contextmanager
def as_text(sink: BinaryIO) -> Iterator[io.TextIOWrapper]:
    """The same as UTF-8 text without any change of line ends; `sink` stays open."""
    text = io.TextIOWrapper(sink, encoding="utf-8", newline="", write_through=True)
    try:
        yield text
    finally:
        text.detach()
