"""Hostile JPEGs, marker by marker."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from bench.hostile_files.made import Kind, cut, jpeg, noise, picture, saved

SOF, DHT, DQT, SOS, APP1, APP2 = 0xC0, 0xC4, 0xDB, 0xDA, 0xE1, 0xE2


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment up to the first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        length = struct.unpack(">H", data[at + 2 : at + 4])[0]
        yield data[at + 1], at, at + 2 + length
        if data[at + 1] == SOS:
            return
        at += 2 + length


def within(data: bytes, marker: int) -> tuple[int, int]:
    """Start and end of the first segment of this kind."""
    return next((start, end) for found, start, end in segments(data) if found == marker)


def cut_in(marker: int, chance: random.Random) -> bytes:
    """Ends in the middle of that segment."""
    data = jpeg(chance)
    start, end = within(data, marker)
    return data[: (start + end) // 2]


def without(marker: int, chance: random.Random) -> bytes:
    """Lacks the first segment of this kind."""
    data = jpeg(chance)
    start, end = within(data, marker)
    return data[:start] + data[end:]


def sized(chance: random.Random, *, width: int, height: int, precision: int = 8) -> bytes:
    """Says that it is of another size."""
    data = bytearray(jpeg(chance))
    start, _ = within(bytes(data), SOF)
    data[start + 4] = precision
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def with_segment(chance: random.Random, marker: int, body: bytes) -> bytes:
    """A sound picture with one segment more, right after its start."""
    data = jpeg(chance)
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def exif(chance: random.Random, body: bytes) -> bytes:
    """A sound picture with this for Exif."""
    return with_segment(chance, APP1, b"Exif\0\0" + body)


def scans_without_end(chance: random.Random) -> bytes:
    """A progressive picture of 2048 x 2048 whose last scan, 12 bytes, comes 20,000 times: minutes, in 240 KB."""
    plain = picture(chance, side=8).resize((1, 1)).resize((2048, 2048))
    data = saved(plain, "JPEG", progressive=True)
    last = data.rindex(bytes([0xFF, SOS]))
    return data[:last] + data[last:-2] * 20_000 + data[-2:]


def _noisy(chance: random.Random) -> bytes:
    data = bytearray(jpeg(chance))
    start, end = within(bytes(data), DHT)
    data[start + 5 : end] = noise(chance, end - start - 5)
    return bytes(data)


CYCLE = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x8769, 4, 1, 8) + struct.pack("<I", 8)  # a folder that holds itself
TURNED = b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x0112, 3, 1, 77) + struct.pack("<I", 0)  # 77 ways to hold a camera

KINDS: dict[str, Kind] = {
    "jpeg cut after its magic": Kind("jpg", "bad", lambda r: jpeg(r)[:3]),
    "jpeg cut in its tables": Kind("jpg", "bad", lambda r: cut_in(DQT, r)),
    "jpeg cut in its header": Kind("jpg", "bad", lambda r: cut_in(SOF, r)),
    "jpeg cut in its codes": Kind("jpg", "bad", lambda r: cut_in(DHT, r)),
    "jpeg cut in its picture": Kind("jpg", "bad", lambda r: cut(jpeg(r), 0.8)),
    "jpeg without its last byte": Kind("jpg", "either", lambda r: jpeg(r)[:-1]),
    "jpeg without tables": Kind("jpg", "bad", lambda r: without(DQT, r)),
    "jpeg without codes": Kind("jpg", "either", lambda r: without(DHT, r)),
    "jpeg without a header": Kind("jpg", "bad", lambda r: without(SOF, r)),
    "jpeg of 65535 x 65535": Kind("jpg", "bad", lambda r: sized(r, width=65535, height=65535)),
    "jpeg of no width": Kind("jpg", "bad", lambda r: sized(r, width=0, height=48)),
    "jpeg with 12 bits": Kind("jpg", "bad", lambda r: sized(r, width=64, height=48, precision=12)),
    "jpeg with noise for codes": Kind("jpg", "either", _noisy),
    "jpeg with scans without end": Kind("jpg", "bad", scans_without_end),
    "jpeg with noise for exif": Kind("jpg", "good", lambda r: exif(r, noise(r, 400))),
    "jpeg with a cycle in its exif": Kind("jpg", "good", lambda r: exif(r, CYCLE)),
    "jpeg turned in a 77th way": Kind("jpg", "good", lambda r: exif(r, TURNED)),
    "jpeg with noise for a profile": Kind(
        "jpg", "good", lambda r: with_segment(r, APP2, b"ICC_PROFILE\0\x01\x01" + noise(r, 3000))
    ),
    "jpeg with 60 KB of segments": Kind("jpg", "good", lambda r: with_segment(r, 0xEF, noise(r, 60_000))),
    "jpeg with a segment past its end": Kind(
        "jpg", "bad", lambda r: (data := jpeg(r))[:2] + b"\xff\xe5\xff\xff" + data[2:]
    ),
    "jpeg in cmyk": Kind("jpg", "good", lambda r: saved(picture(r).convert("CMYK"), "JPEG")),
    "jpeg in grey": Kind("jpg", "good", lambda r: saved(picture(r).convert("L"), "JPEG")),
    "jpeg with an archive behind it": Kind("jpg", "good", lambda r: jpeg(r) + b"PK\x03\x04" + noise(r, 500)),
    "jpeg named .png": Kind("png", "good", jpeg),
}
