"""Hostile PNGs, chunk by chunk."""

from __future__ import annotations

import random
import struct
import zlib

import numpy as np
from PIL import Image

from bench.hostile_files.made import Kind, cut, noise, picture, png, saved

MAGIC = b"\x89PNG\r\n\x1a\n"
GREY, COLOURS, PALETTE = 0, 2, 3


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk with the right checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def header(width: int, height: int, *, depth: int = 8, colour: int = GREY) -> bytes:
    """Magic and IHDR."""
    return MAGIC + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def body(data: bytes, *, before: bytes = b"") -> bytes:
    """Everything after IHDR: what comes before the pixels, these, and the end."""
    return before + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """Compressed zeros: a thousandth of their number."""
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    packed = [packer.compress(block[: min(1 << 20, count - start)]) for start in range(0, count, 1 << 20)]
    return b"".join(packed) + packer.flush()


def bomb(side: int) -> bytes:
    """side x side grey pixels in a few KB, over any limit in use."""
    return header(side, side) + chunk(b"IDAT", zeros(side * 100)) + chunk(b"IEND", b"")


def grey(chance: random.Random) -> bytes:
    """Rows of 8 x 8 pixels."""
    return b"".join(b"\0" + noise(chance, 8) for _ in range(8))


def text_bomb(chance: random.Random) -> bytes:
    """A sound picture with 200 MB of text, packed."""
    packed = chunk(b"zTXt", b"Comment\0\0" + zeros(200 << 20))
    return header(8, 8) + body(grey(chance), before=packed)


def profile_bomb(chance: random.Random) -> bytes:
    """A sound picture with 200 MB of colour profile, packed."""
    return header(8, 8) + body(grey(chance), before=chunk(b"iCCP", b"icc\0\0" + zeros(200 << 20)))


def wrong_sum(chance: random.Random) -> bytes:
    """A checksum that does not match."""
    data = bytearray(png(chance))
    at = data.index(b"IDAT")
    length = struct.unpack(">I", data[at - 4 : at])[0]
    data[at + 4 + length] ^= 0xFF
    return bytes(data)


def wide(chance: random.Random) -> Image.Image:
    """16 bits of grey."""
    return Image.fromarray((np.asarray(picture(chance).convert("L")).astype(np.uint16) << 8) + chance.randrange(256))


def film(chance: random.Random, frames: int, kind: str) -> bytes:
    """An animation."""
    first, *others = [picture(chance, side=16) for _ in range(frames)]
    return saved(first, kind, save_all=True, append_images=others)


KINDS: dict[str, Kind] = {
    "png cut in its magic": Kind("png", "bad", lambda r: MAGIC[:5]),
    "png cut in its header": Kind("png", "bad", lambda r: png(r)[:20]),
    "png cut in its picture": Kind("png", "bad", lambda r: cut(png(r), 0.6)),
    "png without an end": Kind("png", "either", lambda r: png(r)[:-12]),
    "png with a wrong sum": Kind("png", "either", wrong_sum),
    "png of 2147483647 x 2147483647": Kind("png", "bad", lambda r: header(2**31 - 1, 2**31 - 1) + body(grey(r))),
    "png of 30000 x 30000 in 3 KB": Kind("png", "bad", lambda r: bomb(30_000 + r.randrange(1000))),
    "png of no width": Kind("png", "bad", lambda r: header(0, 8) + body(grey(r))),
    "png with too few rows": Kind("png", "either", lambda r: header(8, 800) + body(grey(r))),
    "png with too many rows": Kind("png", "either", lambda r: header(8, 4) + body(grey(r))),
    "png with noise for pixels": Kind(
        "png", "bad", lambda r: header(8, 8) + chunk(b"IDAT", noise(r, 200)) + chunk(b"IEND", b"")
    ),
    "png of a palette that it lacks": Kind("png", "either", lambda r: header(8, 8, colour=PALETTE) + body(grey(r))),
    "png with 7 bits": Kind("png", "bad", lambda r: header(8, 8, depth=7) + body(grey(r))),
    "png with 200 MB of text in it": Kind("png", "either", text_bomb),
    "png with 200 MB of profile in it": Kind("png", "either", profile_bomb),
    "png with 16 bits": Kind("png", "good", lambda r: saved(wide(r), "PNG")),
    "png with alpha": Kind("png", "good", lambda r: saved(picture(r).convert("RGBA"), "PNG")),
    "png of a palette": Kind("png", "good", lambda r: saved(picture(r).quantize(16), "PNG")),
    "png of one bit": Kind("png", "good", lambda r: saved(picture(r).convert("1"), "PNG")),
    "png film": Kind("png", "good", lambda r: film(r, 40, "PNG")),
}
