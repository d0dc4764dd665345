"""The images that `ruiji bench label` hunts among: vectors with true classes, thinned or grouped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.precision import Pixels, cifar
from curate.ranker import Vectors
from encoder.embed import Embedder
from ingest.public.cifar10 import LABELS
from ingest.transform import squares, to_square

RARE = 0.005
GROUPS = {
    "vehicle": ("airplane", "automobile", "ship", "truck"),
    "animal": ("bird", "cat", "deer", "dog", "frog", "horse"),
}
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
Classes = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Pool:
    """Images to hunt among: vectors (n, d) and the class (n,) of each, by its place in `names`."""

    vectors: Vectors
    classes: Classes
    names: tuple[str, ...]

    def grouped(self) -> Pool | None:
        """With GROUPS for classes; None where the classes are others."""
        group_of = {name: place for place, members in enumerate(GROUPS.values()) for name in members}
        if set(self.names) != set(group_of):
            return None
        return Pool(self.vectors, np.array([group_of[name] for name in self.names])[self.classes], tuple(GROUPS))

    def thinned(self, target: int, rng: np.random.Generator) -> Pool:
        """With so few of one class that they are RARE."""
        others = np.flatnonzero(self.classes != target)
        few = max(20, round(RARE * len(others) / (1 - RARE)))
        kept = rng.choice(np.flatnonzero(self.classes == target), few, replace=False)
        rows = np.sort(np.concatenate([others, kept]))
        return Pool(self.vectors[rows], self.classes[rows], self.names)


def cifar_pool(local: Path | None, embedder: Embedder) -> Pool:
    """CIFAR-10's 10,000 test photos."""
    photos = cifar("test_batch", local)
    vectors = embedder.embed(squares(photos.pictures, size=embedder.input_size))
    return Pool(vectors, photos.labels.astype(np.int64), tuple(LABELS))


def folder_pool(folder: Path, embedder: Embedder) -> Pool:
    """The pictures of a folder, whose class is the folder that they are in."""
    names = tuple(sorted(one.name for one in folder.iterdir() if one.is_dir()))
    pictures: list[Pixels] = []
    classes: list[int] = []
    for target, name in enumerate(names):
        for path in sorted(path for path in (folder / name).rglob("*") if path.suffix.lower() in SUFFIXES):
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGBA"))
            pictures.append(to_square(pixels, size=embedder.input_size))
            classes.append(target)
    if len(names) < 2 or not pictures:
        raise SystemExit(f"{folder} must hold at least two folders of pictures, one for each class")
    return Pool(embedder.embed(np.stack(pictures)), np.array(classes, dtype=np.int64), names)
