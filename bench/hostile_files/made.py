"""What is known of a hostile file before it is ingested: how it is made, and what must become of it."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

# bad: to be reported with its reason. good: to be indexed. either: one of the two. left out: no picture file at all.
Must = Literal["bad", "good", "either", "left out"]
Maker = Callable[[random.Random], bytes]


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name's ending, what must become of it, and its bytes."""

    ending: str
    must: Must
    make: Maker


def picture(chance: random.Random, *, side: int = 64) -> Image.Image:
    """Smooth colours, no two pictures alike."""
    coarse = np.random.default_rng(chance.randrange(1 << 60)).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((side, side * 3 // 4), Image.Resampling.BICUBIC)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(chance: random.Random, **options: Any) -> bytes:
    """A sound JPEG."""
    return saved(picture(chance), "JPEG", quality=90, **options)


def png(chance: random.Random, **options: Any) -> bytes:
    """A sound PNG."""
    return saved(picture(chance), "PNG", **options)


def cut(data: bytes, share: float) -> bytes:
    """The first part of it."""
    return data[: max(1, int(len(data) * share))]


def noise(chance: random.Random, count: int) -> bytes:
    """Bytes without meaning."""
    return chance.randbytes(count)
