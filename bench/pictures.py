"""JPEG files with the statistics of photographs, made here so that a benchmark needs no download."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
QUALITY = 90
ORIGINALS = 12  # different scenes; the rest are their crops, no crop twice: copies would be embedded only once


def write_jpegs(folder: Path, *, count: int, width: int, height: int, seed: int = 0) -> list[Path]:
    """`count` different files of that size below `folder`, a hundred to a sub-folder."""
    random = np.random.default_rng(seed)
    scenes = [
        _scene(random, width=width + width // 4, height=height + height // 4)
        for _ in range(min(max(ORIGINALS, count // 250), count))
    ]
    if count > len(scenes) * (width // 4) * (height // 4):
        raise ValueError(f"{count} different pictures of {width}x{height} cannot be cut from {len(scenes)} scenes")
    written = []
    used = set()
    for number in range(count):
        scene = scenes[number % len(scenes)]
        while True:
            cut = (number % len(scenes), int(random.integers(0, width // 4)), int(random.integers(0, height // 4)))
            if cut not in used:
                break
        used.add(cut)
        _, left, top = cut
        crop = scene[top : top + height, left : left + width]
        if random.integers(0, 2):
            crop = crop[:, ::-1]
        path = folder / f"{number // 100:03d}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(np.ascontiguousarray(crop)))
        written.append(path)
    return written


def scene_pictures(*, count: int, side: int, seed: int = 0) -> Pixels:
    """(count, side, side, 3): cut-outs of the same scenes, for what needs pixels and no files."""
    random = np.random.default_rng(seed)
    scenes = [_scene(random, width=4 * side, height=4 * side) for _ in range(ORIGINALS)]
    cuts = np.empty((count, side, side, 3), dtype=np.uint8)
    for number in range(count):
        left, top = random.integers(0, 3 * side, size=2)
        cuts[number] = scenes[number % ORIGINALS][top : top + side, left : left + side]
    return cuts


def jpeg(pixels: Pixels, *, quality: int = QUALITY) -> bytes:
    """(h, w, 3) as JPEG bytes, colours at half resolution as cameras write them."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return buffer.getvalue()


def _scene(random: np.random.Generator, *, width: int, height: int) -> Pixels:
    """Noise whose amplitude falls with frequency as in natural images (Field 1987), colours alike but not equal."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    # 1/f to the power 1.3: between a photograph of foliage and one of sky; JPEG sizes come out like a camera's.
    falloff = 1.0 / np.maximum(np.hypot(rows, columns), 1.0 / max(width, height)) ** 1.3

    def plane() -> np.ndarray[Any, np.dtype[np.float64]]:
        spectrum = (random.normal(size=falloff.shape) + 1j * random.normal(size=falloff.shape)) * falloff
        field = np.fft.irfft2(spectrum, s=(height, width))
        return np.asarray((field - field.mean()) / field.std())

    light, tints = plane(), [0.35 * plane() for _ in range(3)]
    colours = np.stack([light + tint for tint in tints], axis=-1)
    return np.clip(128 + 52 * colours, 0, 255).astype(np.uint8)
