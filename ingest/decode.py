"""Bytes of a picture -> what the catalog and the encoder need of it, or a DecodeError as a value."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

import xxhash

from ingest.files import FileBytes, read_file
from ingest.raster import Pixels, Raster, RefusedError, load_raster
from ingest.transform import encode_jpeg, fit_within, to_square

MAX_PIXELS = 178_956_970  # Pillow's own limit: 512 MB of RGB
MAX_BYTES = 256 * 1024 * 1024
THUMBNAIL_SIDE = 256
VIEW_SIDE = 2048

# The working picture, from which thumbnail, pixel hash and encoder input are all made: large enough for a 256-pixel
# thumbnail and for inputs up to 192, so that one scaled decode serves all three. Fixed, because the pixel hash is
# compared with hashes made by other encoders' jobs.
WORKING_LONG, WORKING_SHORT = 256, 192


@dataclass(frozen=True, slots=True)
class DecodeError:
    """Why there is no picture. `kind` is one word for programs; `reason` says what to do about it."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """One picture: `pixels` (s, s, 3) uint8 RGB, `thumbnail` a JPEG (empty if none was asked for).

    `width` and `height` are the upright picture's; `bytes` is what was read and hashed; `file_size` and `mtime_ns`
    are those of the opened file (0 for bytes that came from elsewhere).
    """

    pixels: Pixels
    thumbnail: bytes
    sha256: str
    pixel_hash: str
    width: int
    height: int
    format: str
    bytes: int
    file_size: int = 0
    mtime_ns: int = 0


@dataclass(slots=True)
class StageSeconds:
    """Where the time of decoding went; added up over files."""

    read: float = 0.0
    hash: float = 0.0
    decode: float = 0.0
    thumbnail: float = 0.0


def decode_bytes(
    data: bytes,
    *,
    size: int,
    max_pixels: int = MAX_PIXELS,
    thumbnail_side: int = THUMBNAIL_SIDE,
    seconds: StageSeconds | None = None,
) -> Decoded | DecodeError:
    """Decodes one picture for an encoder whose input is `size`; `thumbnail_side` 0 makes no thumbnail."""
    started = time.perf_counter()
    digest = hashlib.sha256(data).hexdigest()
    hashed = time.perf_counter()
    try:
        raster = load_raster(data, long_side=WORKING_LONG, short_side=WORKING_SHORT, max_pixels=max_pixels)
        pixel_hash = _hash_pixels(raster)
        pixels = to_square(_large_enough(raster, data, size=size, max_pixels=max_pixels), size=size)
        decoded = time.perf_counter()
        thumbnail = encode_jpeg(fit_within(raster.pixels, side=thumbnail_side)) if thumbnail_side else b""
    except Exception as error:
        return explain(error)
    if seconds is not None:
        seconds.hash += hashed - started
        seconds.decode += decoded - hashed
        seconds.thumbnail += time.perf_counter() - decoded
    return Decoded(
        pixels=pixels,
        thumbnail=thumbnail,
        sha256=digest,
        pixel_hash=pixel_hash,
        width=raster.width,
        height=raster.height,
        format=raster.format,
        bytes=len(data),
    )


def read_and_decode(
    path: bytes,
    *,
    size: int,
    root: bytes | None = None,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    thumbnail_side: int = THUMBNAIL_SIDE,
) -> Decoded | DecodeError:
    """`decode_bytes` of a file; with `root`, a symbolic link that leads out of that folder is refused."""
    try:
        file: FileBytes = read_file(path, root=root, max_bytes=max_bytes)
    except RefusedError as refused:
        return DecodeError(refused.kind, refused.reason)
    return decode_bytes(file.data, size=size, max_pixels=max_pixels, thumbnail_side=thumbnail_side)


def view_bytes(data: bytes, *, side: int = VIEW_SIDE, max_pixels: int = MAX_PIXELS) -> bytes | DecodeError:
    """The picture as a new JPEG with no side longer than `side`: what a browser gets instead of the original."""
    try:
        raster = load_raster(data, long_side=side, short_side=1, max_pixels=max_pixels)
        return encode_jpeg(fit_within(raster.pixels, side=side), quality=88)
    except Exception as error:
        return explain(error)


def explain(error: Exception) -> DecodeError:
    """Any failure of a parser as a value: its input is hostile, so what it may raise is not a closed list."""
    if isinstance(error, RefusedError):
        return DecodeError(error.kind, error.reason)
    if isinstance(error, MemoryError):
        return DecodeError("out_of_memory", "decoding it needs more memory than allowed: save a smaller copy")
    words = " ".join(str(error).split())[:200] or type(error).__name__
    if "truncated" in words.lower():
        return DecodeError("truncated", f"the file ends too early ({words}): copy it again from its original")
    return DecodeError("damaged", f"the file is damaged ({words}): copy it again from its original")


def _hash_pixels(raster: Raster) -> str:
    """128 bits over the upright working picture and the whole picture's size.

    XXH3 takes 1 µs for 96x96 pixels where SHA-256 takes 18 and BLAKE2b 40. It withstands accidents, not an attacker,
    who could at most give a new file the labels of a picture that was deleted.
    """
    hasher = xxhash.xxh3_128(b"%d %d" % (raster.width, raster.height))
    hasher.update(raster.pixels.data)
    return hasher.hexdigest()


def _large_enough(raster: Raster, data: bytes, *, size: int, max_pixels: int) -> Pixels:
    """The working picture, or for an input larger than it a second, larger decode."""
    if min(raster.pixels.shape[:2]) >= size or min(raster.width, raster.height) <= min(raster.pixels.shape[:2]):
        return raster.pixels
    return load_raster(data, long_side=size, short_side=size, max_pixels=max_pixels).pixels
