"""Small files that ask for much memory or time, made by hand: no library would write them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image

from tests.ingest.bad_files import gif_bomb, png_bomb
from tests.photos import jpeg, scene

LARGEST_JPEG = 65_500
LARGE_PNG, WORDY_PNG = "png, 13,000 x 13,000 of zeros", "png, 400 MB of words"
# Within the limit of pixels, and words are no part of a picture: whether these are refused is the decoder's to say.
MAY_BE_PICTURES = (LARGE_PNG, WORDY_PNG)


def png_of(width: int, height: int) -> bytes:
    """A head that promises width x height pixels in 16-bit RGBA, and next to nothing after it."""

    def part(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(bytes(1000))) + part(b"IEND", b"")


def png_of_words() -> bytes:
    """A text chunk of 400 KB that unpacks to 400 MB."""
    words = zlib.compressobj(9)
    packed = b"".join(words.compress(bytes(2**20)) for _ in range(400)) + words.flush()
    body = b"Comment\0\0" + packed
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    plain = io.BytesIO()
    scene("sky", 1).save(plain, "PNG")
    return plain.getvalue()[:33] + chunk + plain.getvalue()[33:]


def jpeg_of(side: int) -> bytes:
    """A small JPEG whose head says side x side."""
    data = bytearray(jpeg(scene("sky", 2)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def webp_of(side: int) -> bytes:
    """A lossless WebP head of side x side, at most 16,384."""
    bits = (side - 1) | (side - 1) << 14
    body = b"\x2f" + struct.pack("<I", bits) + bytes(20)
    chunk = b"VP8L" + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def tiff_of(width: int, height: int) -> bytes:
    """A head that promises width x height pixels in one packed strip."""
    packed = zlib.compress(bytes(1000))
    about = {256: width, 257: height, 258: 8, 259: 8, 262: 1, 273: 200, 277: 1, 278: height, 279: len(packed)}
    head = b"II*\0" + struct.pack("<IH", 8, len(about))
    head += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in about.items()) + bytes(4)
    return head.ljust(200, b"\0") + packed


def long_gif(frames: int) -> bytes:
    """An animation of many frames."""
    still = io.BytesIO()
    Image.new("P", (4, 4)).save(still, "GIF")
    data = still.getvalue()
    start = data.index(b",")
    return data[:start] + data[start:-1] * frames + b";"


def deep_zip(depth: int) -> bytes:
    """A zip in a zip in a zip, each of ten, around 10 MB of zeros."""
    inner = bytes(10 * 2**20)
    for level in range(depth):
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
            for number in range(10):
                packed.writestr(f"{level}-{number}.zip", inner)
        inner = sink.getvalue()
    return inner


def bombs() -> dict[str, bytes]:
    """Every bomb by name."""
    return {
        LARGE_PNG: png_bomb(13_000),
        "png, 65,535 x 65,535": png_of(65_535, 65_535),
        "png, 2,147,483,647 x 1": png_of(2**31 - 1, 1),
        WORDY_PNG: png_of_words(),
        "jpeg, 65,500 x 65,500": jpeg_of(LARGEST_JPEG),
        "webp, 16,384 x 16,384": webp_of(16_384),
        "gif, 65,535 x 65,535": gif_bomb(65_535),
        "tiff, 60,000 x 60,000": tiff_of(60_000, 60_000),
        "tiff, 4,294,967,295 x 4,294,967,295": tiff_of(2**32 - 1, 2**32 - 1),
        "zip in zip in zip": deep_zip(3),
    }
