"""What an export is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalog.labelled import LabelledImage
from catalog.storage.pictures import PictureStorage

MISSING_SHOWN = 100


@dataclass(frozen=True)
class LabelToExport:
    """A label by name, with its colour (#rrggbb) and its group's name."""

    name: str
    colour: str
    group: str | None


@dataclass(frozen=True)
class Vectors:
    """Where vectors come from: `of` gives those of some images that have one, each (dimension,) float32."""

    encoder_id: str
    dimension: int
    of: Callable[[Sequence[int]], dict[int, NDArray[np.float32]]]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to write: `pages` of images, each with what is said of the `labels`.

    `vectors` is None where there is no encoder. `scratch` is a folder for what cannot be written at once. `storage`
    knows where photos are read.
    """

    labels: tuple[LabelToExport, ...]
    pages: Iterator[list[LabelledImage]]
    vectors: Vectors | None = None
    scratch: Path | None = None
    storage: PictureStorage = field(default_factory=PictureStorage)
    progress: Callable[[int], None] = lambda images: None


@dataclass
class Exported:
    """Images and labels written, and images left out because no file holds them any more, the first of them named."""

    images: int = 0
    labels: int = 0
    missing: int = 0
    missing_named: list[str] = field(default_factory=list)

    def wrote(self, image: LabelledImage, labels: int) -> None:
        """Count an image that is written."""
        self.images += 1
        self.labels += labels

    def misses(self, image: LabelledImage) -> None:
        """Count an image that could not be."""
        self.missing += 1
        if len(self.missing_named) < MISSING_SHOWN:
            files = (ascii(file.path.decode("utf-8", "surrogateescape")) for file in image.files)
            self.missing_named.append(", ".join(files) or f"image {image.id}, of which no file is known any more")
