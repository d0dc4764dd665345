"""A folder full of hostile files among sound ones: every kind in turn, odd names, no files at all, and mutations."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.hostile_files import jpegs, others, pngs, poison
from bench.hostile_files.made import Kind, Must, jpeg, picture, png, saved

KINDS: dict[str, Kind] = {**jpegs.KINDS, **pngs.KINDS, **others.KINDS}
# Large to write or slow to refuse: a few show as much as thousands.
FEW = ("archive that is a bomb", "packed bomb", "png with 200 MB", "scans without end", "of 400 frames")
MOST_OF_FEW = 3
SPARSE = 5 << 30

# Names that are legal on Linux, in front of `.jpg`.
NAMES: dict[str, bytes] = {
    "name with a line break": b"two\nlines",
    "name that is not utf-8": b"caf\xe9\xff",
    "name from right to left": "photo\u202egpj".encode(),
    "name of 255 bytes": b"n" * 251,
    "name of dots and spaces": b" . . ",
    "name like an option": b"-rf --",
    "name with quotes": b"a\"b'c`$(reboot)",
    "name with codes": b"%s%n{0}\x1b[31m\x07",
    "name of pictures": "\U0001f4f7\u2603".encode(),
    "name like a query": b"x' OR 1=1; --",
}
Mutation = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Written:
    """A file that was written: its path, its kind, and what must become of it."""

    path: bytes
    kind: str
    must: Must


def write(root: Path, *, files: int, seed: int, poisons: dict[str, int]) -> list[Written]:
    """At least `files` files below `root`; `poisons`: how many of each effect."""
    chance = random.Random(seed)
    found = [*_names(root / "names", chance), *_no_files(root / "no files", chance)]
    found += _poisons(root / "poison", poisons, chance)
    kinds = list(KINDS.items())
    wanted = max(files - len(found), len(kinds))
    made: Counter[str] = Counter()
    for number in range(wanted):
        folder = root / f"{number // 500:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        if number < len(kinds) or number % 3 == 0:
            name, kind = kinds[number] if number < len(kinds) else chance.choice(kinds)
            if made[name] >= MOST_OF_FEW and any(word in name for word in FEW):
                name, kind = kinds[0]
            made[name] += 1
            found.append(_put(folder, number, kind.ending, kind.make(chance), name, kind.must))
        elif number % 3 == 1:
            name, ending, data = _mutated(chance)
            found.append(_put(folder, number, ending, data, name, "either"))
        else:
            found.append(_put(folder, number, "jpg", jpeg(chance), "sound", "good"))
    return found


def _put(folder: Path, number: int, ending: str, data: bytes, kind: str, must: Must) -> Written:
    path = folder / f"{number:06d}.{ending}"
    path.write_bytes(data)
    return Written(bytes(path), kind, must)


def _names(folder: Path, chance: random.Random) -> Iterator[Written]:
    folder.mkdir(parents=True)
    for kind, name in NAMES.items():
        path = bytes(folder) + b"/" + name + b".jpg"
        Path(os.fsdecode(path)).write_bytes(jpeg(chance))
        yield Written(path, kind, "good")


def _no_files(folder: Path, chance: random.Random) -> Iterator[Written]:
    """What has a picture's name and is no file with a picture's bytes."""
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "device.jpg").symlink_to("/dev/zero")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "nowhere.jpg").symlink_to("gone.jpg")
    (folder / "outside.jpg").symlink_to("/etc/passwd")
    for name, kind in {
        "pipe": "pipe",
        "device": "link to a device",
        "loop": "link to itself",
        "nowhere": "link to nothing",
        "outside": "link out of the folder",
    }.items():
        yield Written(bytes(folder / f"{name}.jpg"), kind, "bad")
    (folder / "folder.jpg").mkdir()
    (folder / "folder.jpg" / "up.jpg").symlink_to("..", target_is_directory=True)
    yield Written(bytes(folder / "folder.jpg"), "folder", "left out")
    yield Written(bytes(folder / "folder.jpg" / "up.jpg"), "link to the folder above", "left out")
    with (folder / "sparse.jpg").open("wb") as sink:
        sink.truncate(SPARSE)
    yield Written(bytes(folder / "sparse.jpg"), "file of 5 GB of nothing", "bad")
    (folder / "one.jpg").write_bytes(jpeg(chance))
    (folder / "two.jpg").hardlink_to(folder / "one.jpg")
    (folder / "three.jpg").symlink_to("one.jpg")
    for name, kind in {"one": "sound", "two": "second name of a file", "three": "link within the folder"}.items():
        yield Written(bytes(folder / f"{name}.jpg"), kind, "good")


def _poisons(folder: Path, wanted: dict[str, int], chance: random.Random) -> Iterator[Written]:
    folder.mkdir(parents=True)
    for effect, count in wanted.items():
        for number in range(count):
            path = folder / f"{effect}-{number}.jpg"
            path.write_bytes(poison.make(effect, chance))
            yield Written(bytes(path), f"poison: {effect}", "bad")


def _mutated(chance: random.Random) -> tuple[str, str, bytes]:
    """A sound file of some format with a few bytes that are not its own."""
    ending, make = chance.choice(sorted(SOUND.items()))
    name, mutate = chance.choice(sorted(MUTATIONS.items()))
    return f"{ending} with {name}", ending, mutate(make(chance), chance)


def _flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _extreme(data: bytes, chance: random.Random) -> bytes:
    """A number somewhere becomes as large or as small as it can be."""
    at = chance.randrange(max(1, len(data) - 4))
    return (
        data[:at]
        + chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\x80\0\0\0"))
        + data[at + 4 :]
    )


def _shortened(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[min(len(data), start + chance.randint(1, 200)) :]


def _doubled(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    return data[: start + chance.randint(1, 200)] + data[start:]


def _zeroed(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    part = min(len(data) - start, chance.randint(1, 400))
    return data[:start] + bytes(part) + data[start + part :]


MUTATIONS: dict[str, Mutation] = {
    "flipped bits": _flipped,
    "an extreme number": _extreme,
    "a part missing": _shortened,
    "a part twice": _doubled,
    "a part of zeros": _zeroed,
}
SOUND: dict[str, Callable[[random.Random], bytes]] = {
    "jpg": jpeg,
    "png": png,
    "gif": lambda chance: saved(picture(chance), "GIF"),
    "tif": lambda chance: saved(picture(chance), "TIFF"),
    "webp": lambda chance: saved(picture(chance), "WEBP"),
    "bmp": lambda chance: saved(picture(chance), "BMP"),
}
