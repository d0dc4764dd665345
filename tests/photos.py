"""Pictures for tests: smooth random scenes, each file with bytes and pixels of its own."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

KINDS = {"sky": (90, 150, 220), "grass": (70, 150, 60), "brick": (170, 80, 60)}


def scene(kind: str, seed: int, *, side: int = 96) -> Image.Image:
    """A picture whose colours tell its kind and whose shapes tell its seed."""
    random = np.random.default_rng([seed, list(KINDS).index(kind)])
    coarse = random.normal(0, 40, size=(6, 6, 3)) + np.array(KINDS[kind])
    smooth = Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    grain = random.normal(0, 4, size=(side, side, 1))
    return Image.fromarray(np.clip(np.asarray(smooth, dtype=np.float64) + grain, 0, 255).astype(np.uint8))


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
