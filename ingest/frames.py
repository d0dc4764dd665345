"""The fixed frames that a decode child and its parent exchange: a doorbell on a socket, the rest in shared memory.

Shared memory, all of it the parent's: a journal (the file that the child is at), then SLOTS equal slots. A slot holds
a request; the answer overwrites it: one RECORD a file, then the pixels, then thumbnails and reasons. Nothing is
pickled, and the parent checks every number that comes back, because the child has had hostile pictures in its hands.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from ingest.decode import Decoded, DecodeError, StageSeconds
from ingest.formats import FORMATS
from ingest.raster import Pixels

SLOTS = 2  # one group being decoded, one waiting: the child never waits for its parent
SLOT_BYTES = 32 << 20
JOURNAL_BYTES = 4096
THUMBNAIL_ROOM = 128 << 10  # a 256x256 JPEG of pure noise has 60 KB

JOURNAL = struct.Struct("<QII")  # group, index of the file, 1 while at it
DOORBELL = struct.Struct("<QII")  # group, slot, bytes of the request (0 in the answer)

DECODE, VIEW = 1, 2
_PATH, _DATA = 1, 2
_HEAD = struct.Struct("<BHHIQQ")  # operation, size, side of thumbnail or view, files, pixel limit, byte limit
_ITEM = struct.Struct("<BII")  # path or data, length of the root, length of the rest
_RECORD = struct.Struct("<BBIIQQq32s16sII")
_SECONDS = struct.Struct("<dddd")
_NOTHING, _DECODED, _FAILED, _VIEWED = 0, 1, 2, 3


class FrameError(Exception):
    """A frame that cannot have been written by a sound child."""


@dataclass(frozen=True, slots=True)
class FileToRead:
    """An absolute path; with `root`, symbolic links that lead out of that folder are refused."""

    path: bytes
    root: bytes = b""


@dataclass(frozen=True, slots=True)
class Request:
    """What a child is asked to do with a group: pictures for an encoder (DECODE) or full views (VIEW)."""

    items: tuple[FileToRead | bytes, ...]
    operation: int
    size: int
    side: int
    max_pixels: int
    max_bytes: int

    def tail(self, start: int) -> Request:
        return Request(self.items[start:], self.operation, self.size, self.side, self.max_pixels, self.max_bytes)


Result = Decoded | DecodeError | bytes


def group_limit(size: int) -> int:
    """How many answers for inputs of `size` a slot is sure to hold."""
    return max(1, (SLOT_BYTES - _SECONDS.size) // (_RECORD.size + size * size * 3 + THUMBNAIL_ROOM))


def pack_request(request: Request) -> bytes:
    parts = [
        _HEAD.pack(
            request.operation, request.size, request.side, len(request.items), request.max_pixels, request.max_bytes
        )
    ]
    for item in request.items:
        if isinstance(item, bytes):
            parts += (_ITEM.pack(_DATA, 0, len(item)), item)
        else:
            parts += (_ITEM.pack(_PATH, len(item.root), len(item.path)), item.root, item.path)
    return b"".join(parts)


def unpack_request(frame: bytes) -> Request:
    operation, size, side, count, max_pixels, max_bytes = _HEAD.unpack_from(frame)
    items: list[FileToRead | bytes] = []
    position = _HEAD.size
    for _ in range(count):
        kind, root_length, length = _ITEM.unpack_from(frame, position)
        position += _ITEM.size
        root = frame[position : position + root_length]
        position += root_length
        rest = frame[position : position + length]
        position += length
        items.append(rest if kind == _DATA else FileToRead(rest, root))
    return Request(tuple(items), operation, size, side, max_pixels, max_bytes)


class AnswerWriter:
    """The child's side of a slot."""

    def __init__(self, slot: memoryview, request: Request) -> None:
        self._slot = slot
        count = len(request.items)
        shown = request.size if request.operation == DECODE else 0
        self._records = _SECONDS.size
        start = self._records + _RECORD.size * count
        self._pixels = np.frombuffer(slot, np.uint8, count * shown * shown * 3, start).reshape(count, shown, shown, 3)
        self._blobs = start + self._pixels.nbytes
        slot[:start] = bytes(start)

    def put(self, index: int, result: Result, *, file_size: int = 0, mtime_ns: int = 0) -> None:
        if isinstance(result, Decoded):
            self._put_decoded(index, result, file_size, mtime_ns)
        elif isinstance(result, DecodeError):
            self._put(index, _FAILED, f"{result.kind}\0{result.reason}".encode()[:4096])
        else:
            self._put(index, _VIEWED, result)

    def _put_decoded(self, index: int, decoded: Decoded, file_size: int, mtime_ns: int) -> None:
        self._pixels[index] = decoded.pixels
        offset = self._put_blob(decoded.thumbnail)
        _RECORD.pack_into(
            self._slot,
            self._records + index * _RECORD.size,
            _DECODED,
            FORMATS.index(decoded.format),
            decoded.width,
            decoded.height,
            decoded.bytes,
            file_size,
            mtime_ns,
            bytes.fromhex(decoded.sha256),
            bytes.fromhex(decoded.pixel_hash),
            offset,
            len(decoded.thumbnail),
        )

    def _put(self, index: int, state: int, blob: bytes) -> None:
        offset = self._put_blob(blob)
        _RECORD.pack_into(
            self._slot, self._records + index * _RECORD.size, state, 0, 0, 0, 0, 0, 0, b"", b"", offset, len(blob)
        )

    def _put_blob(self, blob: bytes) -> int:
        offset = self._blobs
        self._slot[offset : offset + len(blob)] = blob  # ValueError where a slot is too small: the child ends
        self._blobs += len(blob)
        return offset

    def put_seconds(self, seconds: StageSeconds) -> None:
        _SECONDS.pack_into(self._slot, 0, seconds.read, seconds.hash, seconds.decode, seconds.thumbnail)

    def release(self) -> None:
        """Lets go of the slot, so that the memory can be unmapped."""
        del self._pixels
        self._slot.release()


def read_answer(slot: memoryview, request: Request, done: int) -> tuple[list[Result], StageSeconds]:
    """The first `done` results of a request, copied out of the slot. Raises FrameError."""
    try:
        return _read_answer(slot, request, done)
    except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
        raise FrameError(f"a decode child wrote a frame that makes no sense: {error}") from error


def _read_answer(slot: memoryview, request: Request, done: int) -> tuple[list[Result], StageSeconds]:
    shown = request.size if request.operation == DECODE else 0
    start = _SECONDS.size + _RECORD.size * len(request.items)
    pixels: Pixels = np.frombuffer(slot, np.uint8, done * shown * shown * 3, start).reshape(done, shown, shown, 3)
    pixels = pixels.copy()
    records = bytes(slot[_SECONDS.size : _SECONDS.size + _RECORD.size * done])
    results: list[Result] = []
    for index, record in enumerate(_RECORD.iter_unpack(records)):
        state, code, width, height, length, size, mtime_ns, digest, pixel_hash, offset, blob_length = record
        if offset + blob_length > len(slot):
            raise FrameError("a decode child pointed outside of its memory")
        blob = bytes(slot[offset : offset + blob_length])
        if state == _DECODED:
            if width < 1 or height < 1 or max(width, height) >= 1 << 31 or max(length, size) >= 1 << 62:
                raise FrameError("a decode child gave a picture an impossible size")
            results.append(
                Decoded(
                    pixels=pixels[index],
                    thumbnail=blob,
                    sha256=digest.hex(),
                    pixel_hash=pixel_hash.hex(),
                    width=width,
                    height=height,
                    format=FORMATS[code],
                    bytes=length,
                    file_size=size,
                    mtime_ns=mtime_ns,
                )
            )
        elif state == _FAILED:
            kind, _, reason = blob.decode(errors="replace").partition("\0")
            results.append(DecodeError(kind[:32], reason))
        elif state == _VIEWED:
            results.append(blob)
        else:
            raise FrameError("a decode child left out a file")
    return results, StageSeconds(*_SECONDS.unpack_from(slot))
