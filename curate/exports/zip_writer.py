"""Writes a ZIP archive to something that cannot be gone back in, with its directory on disk and not in memory.

Python's own writer keeps an object for every entry, and sizes only after the data; here both are known beforehand.
Nothing is compressed. Layout and numbers: PKWARE APPNOTE 6.3.9, sections 4.3 to 4.5.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 20
SMALL, LARGE = 0xFFFFFFFF, 0xFFFF  # what stands where a number is too large for its field: it is in the extra then
UTF8, STORED, FIRST_DAY = 0x0800, 0, 0x21
UNIX, READABLE = 3 << 8, 0o100644 << 16
PLAIN, ZIP64 = 20, 45  # the version that a reader needs


class ZipWriter:
    """An archive on its way to `sink`; without `finish` no program takes it for a whole one."""

    def __init__(self, sink: BinaryIO, *, scratch: Path | None = None) -> None:
        self._sink = sink
        self._directory = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115  closed by finish, or with this object
        self._at = self._entries = 0

    def add(self, name: str, data: bytes) -> None:
        """An entry of these bytes."""
        self._begin(name, crc=zlib.crc32(data), size=len(data))
        self._write(data)

    def copy(self, name: str, source: BinaryIO) -> Iterator[None]:
        """An entry of all that `source` holds from its beginning on, a block at each step."""
        source.seek(0)
        crc = size = 0
        while block := source.read(BLOCK):
            crc, size = zlib.crc32(block, crc), size + len(block)
        source.seek(0)
        self._begin(name, crc=crc, size=size)
        while block := source.read(BLOCK):
            self._write(block)
            yield

    def finish(self) -> Iterator[None]:
        """Write the directory, a block at each step."""
        start, size = self._at, self._directory.tell()
        self._directory.seek(0)
        while block := self._directory.read(BLOCK):
            self._write(block)
            yield
        self._directory.close()
        entries, end = self._entries, self._at
        if entries >= LARGE or size >= SMALL or start >= SMALL:
            record = (0x06064B50, 44, UNIX | ZIP64, ZIP64, 0, 0, entries, entries, size, start)
            self._write(struct.pack("<IQHHIIQQQQ", *record))
            self._write(struct.pack("<IIQI", 0x07064B50, 0, end, 1))
        many = min(entries, LARGE)
        self._write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, many, many, min(size, SMALL), min(start, SMALL), 0))

    def _begin(self, name: str, *, crc: int, size: int) -> None:
        encoded, at = name.encode(), self._at
        large = struct.pack("<QQ", size, size) if size >= SMALL else b""
        far = struct.pack("<Q", at) if at >= SMALL else b""
        needed = ZIP64 if large or far else PLAIN
        shown = min(size, SMALL)
        both = (UTF8, STORED, 0, FIRST_DAY, crc, shown, shown, len(encoded))
        extra = _extra(large)
        self._write(struct.pack("<IHHHHHIIIHH", 0x04034B50, needed, *both, len(extra)) + encoded + extra)
        extra = _extra(large + far)
        head = (0x02014B50, UNIX | needed, needed, *both, len(extra), 0, 0, 0, READABLE, min(at, SMALL))
        self._directory.write(struct.pack("<IHHHHHHIIIHHHHHII", *head) + encoded + extra)
        self._entries += 1

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self._at += len(data)


def _extra(numbers: bytes) -> bytes:
    return struct.pack("<HH", 1, len(numbers)) + numbers if numbers else b""
