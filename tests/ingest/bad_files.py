"""Writes the files that people and attackers have: odd but sound pictures, and ones that must be refused."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# name -> kind of the DecodeError
REFUSED = {
    "zero.jpg": "empty",
    "text.jpg": "not_an_image",
    "drawing.jpg": "not_an_image",
    "postscript.jpg": "not_an_image",
    "truncated.jpg": "truncated",
    "truncated.png": "truncated",
    "head_only.jpg": "truncated",
    "noise_inside.png": "damaged",
    "bomb.png": "too_large",
    "bomb.gif": "too_large",
}

# name -> (format, width, height) of the upright picture
SOUND = {
    "plain.jpg": ("jpeg", 120, 80),
    "really_a_jpeg.png": ("jpeg", 120, 80),
    "grey.jpg": ("jpeg", 120, 80),
    "progressive.jpg": ("jpeg", 120, 80),
    "cmyk.jpg": ("jpeg", 120, 80),
    "rotated.jpg": ("jpeg", 80, 120),
    "rotated.png": ("png", 80, 120),
    "rotated.tif": ("tiff", 80, 120),
    "sixteen_bit.png": ("png", 120, 80),
    "sixteen_bit.tif": ("tiff", 120, 80),
    "floating.tif": ("tiff", 120, 80),
    "palette_alpha.png": ("png", 120, 80),
    "rgba.png": ("png", 120, 80),
    "grey_alpha.png": ("png", 120, 80),
    "bits.bmp": ("bmp", 120, 80),
    "plain.webp": ("webp", 120, 80),
    "animated.gif": ("gif", 120, 80),
    "animated.webp": ("webp", 120, 80),
    "animated.png": ("png", 120, 80),
    "trailing.jpg": ("jpeg", 120, 80),
    "thin.png": ("png", 900, 1),
    "dot.png": ("png", 1, 1),
}

ORIENTATION = 0x0112


def picture(width: int = 120, height: int = 80, *, seed: int = 0) -> Image.Image:
    """Smooth colours: red grows to the right, green downwards, blue tells the seed."""
    across = np.linspace(0, 255, width, dtype=np.float64)[None, :].repeat(height, axis=0)
    down = np.linspace(0, 255, height, dtype=np.float64)[:, None].repeat(width, axis=1)
    blue = np.full((height, width), (seed * 37) % 256, dtype=np.float64)
    return Image.fromarray(np.stack([across, down, blue], axis=-1).astype(np.uint8))


def noise(width: int, height: int, *, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(image: Image.Image, kind: str, orientation: int) -> bytes:
    """A file whose Exif says how the camera was held."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return saved(image, kind, exif=exif)


def png_bomb(side: int) -> bytes:
    """side x side grey pixels in a few KB: rows of zeros compress a thousandfold."""

    def part(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer = zlib.compressobj(1)
    row = bytes(1 + side)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")


def gif_bomb(side: int) -> bytes:
    """60 bytes that ask for side x side pixels."""
    screen = struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x4c\x01\x00"
    return b"GIF89a" + screen + frame + b";"


def write_refused(folder: Path, *, bomb_side: int = 10_000) -> dict[str, str]:
    """Writes every file of REFUSED and returns it; the bombs are over a limit of bomb_side**2 - 1 pixels."""
    jpeg, png = saved(picture(), "JPEG"), saved(Image.fromarray(noise(60, 60)), "PNG")
    spoilt = bytearray(png)
    spoilt[len(png) // 2 : len(png) // 2 + 64] = bytes(64)
    content = {
        "zero.jpg": b"",
        "text.jpg": b"This is a letter, not a picture.\n" * 20,
        "drawing.jpg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>',
        "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
        "truncated.jpg": jpeg[: len(jpeg) * 2 // 3],
        "truncated.png": png[: len(png) * 2 // 3],
        "head_only.jpg": jpeg[:8],
        "noise_inside.png": bytes(spoilt),
        "bomb.png": png_bomb(bomb_side),
        "bomb.gif": gif_bomb(65535),
    }
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return dict(REFUSED)


def write_sound(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Writes every file of SOUND and returns it."""
    plain = picture()
    jpeg = saved(plain, "JPEG", quality=90)
    frames = [picture(seed=seed) for seed in (1, 2, 3)]
    clear = plain.convert("RGBA")
    clear.putalpha(Image.fromarray(np.pad(np.full((40, 120), 255, np.uint8), ((0, 40), (0, 0)))))
    wide = (np.asarray(plain.convert("L")).astype(np.uint16) << 8) + 7
    content = {
        "plain.jpg": jpeg,
        "really_a_jpeg.png": jpeg,
        "grey.jpg": saved(plain.convert("L"), "JPEG"),
        "progressive.jpg": saved(plain, "JPEG", progressive=True),
        "cmyk.jpg": saved(plain.convert("CMYK"), "JPEG", quality=95),
        "rotated.jpg": turned(plain, "JPEG", 6),
        "rotated.png": turned(plain, "PNG", 6),
        "rotated.tif": turned(plain, "TIFF", 6),
        "sixteen_bit.png": saved(Image.fromarray(wide), "PNG"),
        "sixteen_bit.tif": saved(Image.fromarray(wide), "TIFF"),
        "floating.tif": saved(Image.fromarray(wide.astype(np.float32) / 65535), "TIFF"),
        "palette_alpha.png": saved(clear.quantize(64), "PNG"),
        "rgba.png": saved(clear, "PNG"),
        "grey_alpha.png": saved(clear.convert("LA"), "PNG"),
        "bits.bmp": saved(plain.convert("1"), "BMP"),
        "plain.webp": saved(plain, "WEBP", quality=95),
        "animated.gif": saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "animated.webp": saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True),
        "animated.png": saved(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "trailing.jpg": jpeg + b"appended by a phone" * 50,
        "thin.png": saved(picture(900, 1), "PNG"),
        "dot.png": saved(picture(1, 1), "PNG"),
    }
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return dict(SOUND)


def write_odd_names(folder: Path) -> list[bytes]:
    """The same picture under names that are legal on Linux: not UTF-8, quotes, newlines, a leading dash."""
    data = saved(picture(), "JPEG")
    names = [
        b"caf\xe9.jpg",
        b"a \"quoted\" 'name'.jpg",
        b"two\nlines.jpg",
        b"-rf.jpg",
        "雪 ☃.JPG".encode(),
        b"%s{0}.jpg",
    ]
    for name in names:
        path = os.fsencode(folder) + b"/" + name
        with open(path, "wb") as file:
            file.write(data)
    return names
