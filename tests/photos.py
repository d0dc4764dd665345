"""Pictures for tests: smooth random scenes, each file with bytes and pixels of its own."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

KINDS = {"sky": (90, 150, 220), "grass": (70, 150, 60), "brick": (170, 80, 60)}


def scene(kind: str, seed: int, *, side: int = 96) -> Image.Image:
    """A picture whose colours and texture tell its kind and whose shading tells its seed."""
    random = np.random.default_rng([seed, list(KINDS).index(kind)])
    coarse = random.normal(0, 40, size=(6, 6, 3)) + np.array(KINDS[kind])
    smooth = Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    grain = random.normal(0, 4, size=(side, side, 1))
    drawn = np.asarray(smooth, dtype=np.float64) + TEXTURES[kind](random, side)[:, :, None] + grain
    return Image.fromarray(np.clip(drawn, 0, 255).astype(np.uint8))


def _cloud(random: np.random.Generator, side: int) -> NDArray[np.float64]:
    """A bright round cloud somewhere in the middle: what is added to the brightness of each pixel, (side, side)."""
    down, across = np.mgrid[:side, :side] / side - random.uniform(0.4, 0.6, size=(2, 1, 1))
    bright: NDArray[np.float64] = 110 * np.exp(-(down**2 + across**2) / 0.03)
    return bright


def _blades(random: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Upright blades of grass."""
    across = np.mgrid[:side, :side][1] / side
    bright: NDArray[np.float64] = 30 * np.sin(2 * np.pi * (across * random.uniform(7, 8) + random.uniform()))
    return bright


def _courses(random: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Dark joints between courses of bricks, each course half a brick on from the one above."""
    down, across = np.mgrid[:side, :side] / side + random.uniform(size=(2, 1, 1))
    course = np.floor(down * 6)
    joint = (down * 6 % 1 < 0.25) | ((across * 3 + course % 2 / 2) % 1 < 0.12)
    return np.where(joint, -45.0, 8.0)


TEXTURES = {"sky": _cloud, "grass": _blades, "brick": _courses}


def jpeg(picture: Image.Image, *, quality: int = 90) -> bytes:
    """The picture as JPEG bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write_folder(root: Path, *, per_kind: int, labelled: bool, first_seed: int = 0) -> list[Path]:
    """Pictures below `root`: in a folder named after their kind, or all flat when they are to be unlabelled."""
    written = []
    for kind in KINDS:
        folder = root / kind if labelled else root
        folder.mkdir(parents=True, exist_ok=True)
        for seed in range(first_seed, first_seed + per_kind):
            path = folder / f"{seed:05d}{'' if labelled else '-' + str(list(KINDS).index(kind))}.jpg"
            path.write_bytes(jpeg(scene(kind, seed)))
            written.append(path)
    return written
