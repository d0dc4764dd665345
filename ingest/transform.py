"""The one evaluation transform and the thumbnail, both made from the working picture."""

from __future__ import annotations

import numpy as np
import simplejpeg
from PIL import Image

from ingest.raster import Pixels, as_image

_THUMBNAIL_QUALITY = 80
_LEAST_SHARE = 0.75


def to_square(pixels: Pixels, *, size: int) -> Pixels:
    """(h, w, 4) -> (size, size, 3): the shorter side becomes `size`, the middle is kept.

    Cutting the middle first and scaling only that is the same picture for less work. Whole factors are averaged
    (96 to 32 is the mean of 3x3), the rest is Pillow's antialiased bilinear. A picture whose shorter side is `size`
    already comes out unchanged.
    """
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    if side == size:
        return np.ascontiguousarray(pixels[top : top + side, left : left + side, :3])
    square = as_image(pixels).resize(
        (size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side), reducing_gap=1.0
    )
    return np.frombuffer(square.tobytes("raw", "RGB"), dtype=np.uint8).reshape(size, size, 3)


def squares(pictures: Pixels, *, size: int) -> Pixels:
    """(n, s, s, 3) -> (n, size, size, 3), each as `to_square` makes it."""
    if pictures.shape[1] == size:
        return pictures
    # The transform takes four bytes a pixel.
    padded = np.concatenate([pictures, np.zeros_like(pictures[..., :1])], axis=-1)
    return np.stack([to_square(picture, size=size) for picture in padded])


def fit_within(pixels: Pixels, *, side: int) -> Pixels:
    """(h, w, 4) -> (h', w', 4) with no side longer than `side`; a smaller picture is returned as it is.

    A whole reduction is taken where it keeps at least three quarters of the length allowed: it costs a fifth of a
    bilinear one, and a camera's picture, decoded to 500 pixels, comes to 250.
    """
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest <= side:
        return pixels
    whole = -(-longest // side)
    if longest >= _LEAST_SHARE * side * whole:
        return np.asarray(as_image(pixels).reduce(whole))
    fitted = (max(1, round(width * side / longest)), max(1, round(height * side / longest)))
    return np.asarray(as_image(pixels).resize(fitted, Image.Resampling.BILINEAR, reducing_gap=1.0))


def encode_jpeg(pixels: Pixels, *, quality: int = _THUMBNAIL_QUALITY) -> bytes:
    """(h, w, 4) -> JPEG bytes, written anew: no metadata and no byte of the original file is in them."""
    encoded: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, "RGBX", "420", False)
    return encoded
