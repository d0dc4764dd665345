"""Hostile GIF, TIFF, WebP and BMP files, and files that are no pictures but are called so."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile

import numpy as np
from PIL import Image

from bench.hostile_files.made import Kind, cut, noise, picture, saved
from bench.hostile_files.pngs import film, wide


def gif(width: int, height: int, *, left: int = 0, codes: bytes = b"\x4c\x01") -> bytes:
    """One frame of so many pixels, in 60 bytes."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", left, 0, width, height, 0) + b"\x02" + bytes([len(codes)]) + codes + b"\0"
    return b"GIF89a" + screen + frame + b";"


def tiff(*entries: tuple[int, int, int, int], next_: int = 0, behind: bytes = b"") -> bytes:
    """A TIFF of these entries (tag, type, count, value)."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", next_) + behind


def plain_tiff(width: int, height: int, *, compression: int = 1, offset: int = 200, samples: int = 1) -> bytes:
    """Grey pixels, or what says so."""
    entries = (
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, 1, offset),
        (277, 3, 1, samples),
        (278, 4, 1, height),
        (279, 4, 1, min(width * height, 1 << 31)),
    )
    return tiff(*entries, behind=bytes(400))


def bmp(width: int, height: int, *, bits: int = 24, compression: int = 0, pixels: bytes = bytes(600)) -> bytes:
    """A Windows bitmap."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + head + pixels


def webp_of(width: int, height: int) -> bytes:
    """A lossless WebP that says it is of this size, and holds nothing."""
    bits = (width - 1) | (height - 1) << 14
    body = b"VP8L" + struct.pack("<IBI", 5, 0x2F, bits) + b"\0"
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def zip_bomb(chance: random.Random) -> bytes:
    """100 MB of zeros in an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(f"{chance.random()}.raw", bytes(100 << 20))
    return buffer.getvalue()


LAUGHS = b"".join(
    b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10 if level else b"ha") for level in range(12)
)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><image href="file:///etc/passwd"/></svg>'

KINDS: dict[str, Kind] = {
    "gif cut in its picture": Kind("gif", "either", lambda r: cut(saved(picture(r), "GIF"), 0.7)),
    "gif cut in its header": Kind("gif", "bad", lambda r: b"GIF89a" + noise(r, 3)),
    "gif of 65535 x 65535": Kind("gif", "bad", lambda r: gif(65535, 65535)),
    "gif of no width": Kind("gif", "bad", lambda r: gif(0, 0)),
    "gif with noise for codes": Kind("gif", "either", lambda r: gif(50, 50, codes=noise(r, 200))),
    "gif with a frame outside": Kind("gif", "either", lambda r: gif(40, 40, left=30_000)),
    "gif of 400 frames": Kind("gif", "good", lambda r: film(r, 400, "GIF")),
    "tiff cut in its picture": Kind("tif", "bad", lambda r: cut(saved(picture(r), "TIFF"), 0.5)),
    "tiff whose folder holds itself": Kind("tif", "either", lambda r: tiff((256, 4, 1, 8), next_=8)),
    "tiff of 2147483647 x 2147483647": Kind("tif", "bad", lambda r: plain_tiff(2**31 - 1, 2**31 - 1)),
    "tiff with pixels past its end": Kind("tif", "bad", lambda r: plain_tiff(64, 64, offset=1 << 30)),
    "tiff packed in an unknown way": Kind("tif", "bad", lambda r: plain_tiff(16, 16, compression=31_337)),
    "tiff of 60000 samples": Kind("tif", "bad", lambda r: plain_tiff(16, 16, samples=60_000)),
    "tiff of 65535 entries": Kind("tif", "bad", lambda r: b"II*\0" + struct.pack("<IH", 8, 65535) + noise(r, 300)),
    "tiff with 16 bits": Kind("tif", "good", lambda r: saved(wide(r), "TIFF")),
    "tiff of floating numbers": Kind(
        "tif", "good", lambda r: saved(Image.fromarray(np.asarray(wide(r)).astype(np.float32)), "TIFF")
    ),
    "webp cut in its picture": Kind("webp", "bad", lambda r: cut(saved(picture(r), "WEBP"), 0.6)),
    "webp of 16384 x 16384": Kind("webp", "bad", lambda r: webp_of(16384, 16384)),
    "webp of noise": Kind("webp", "bad", lambda r: b"RIFF" + struct.pack("<I", 300) + b"WEBPVP8 " + noise(r, 292)),
    "webp film": Kind("webp", "good", lambda r: film(r, 20, "WEBP")),
    "bmp cut in its picture": Kind("bmp", "bad", lambda r: bmp(64, 64, pixels=b"\0" * 99)),
    "bmp of 100000 x 100000": Kind("bmp", "bad", lambda r: bmp(100_000, 100_000)),
    "bmp of less than no width": Kind("bmp", "bad", lambda r: bmp(-5, 8)),
    "bmp with noise for runs": Kind(
        "bmp", "either", lambda r: bmp(64, 64, bits=8, compression=1, pixels=noise(r, 900))
    ),
    "bmp with 3 bits": Kind("bmp", "bad", lambda r: bmp(8, 8, bits=3)),
    "nothing at all": Kind("jpg", "bad", lambda r: b""),
    "noise": Kind("jpg", "bad", lambda r: noise(r, 2000)),
    "text": Kind("jpg", "bad", lambda r: b"Dear diary, " * 50),
    "drawing": Kind("png", "bad", lambda r: SVG),
    "xml that laughs": Kind("jpg", "bad", lambda r: b'<?xml version="1.0"?><!DOCTYPE x [' + LAUGHS + b"]><x>&l11;</x>"),
    "web page": Kind("png", "bad", lambda r: b"<!DOCTYPE html><script>alert(1)</script>"),
    "archive that is a bomb": Kind("jpg", "bad", zip_bomb),
    "packed bomb": Kind("jpg", "bad", lambda r: gzip.compress(bytes(20 << 20))),
    "postscript": Kind("jpg", "bad", lambda r: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"),
    "pdf": Kind("jpg", "bad", lambda r: b"%PDF-1.7\n" + noise(r, 300)),
    "program": Kind("jpg", "bad", lambda r: b"\x7fELF\x02\x01\x01" + noise(r, 300)),
    "heic": Kind("jpg", "bad", lambda r: b"\0\0\0\x18ftypheic" + noise(r, 300)),
}
