"""Hostile bytes -> the upright working picture, decoded no larger than it has to be."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from ingest.exif import jpeg_orientation
from ingest.formats import describe_foreign, sniff

Pixels = NDArray[np.uint8]

# The classes themselves and not Image.open: nothing but these six parsers is ever reached (no Ghostscript for an EPS
# that calls itself .jpg), and the pixel limit is ours instead of Pillow's warning.
_PARSERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
    "bmp": BmpImageFile,
    "gif": GifImageFile,
    "tiff": TiffImageFile,
}

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class RefusedError(Exception):
    """A picture that will not be decoded: `kind` for programs, `reason` with the remedy for its owner."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True)
class Raster:
    """An upright picture: `pixels` (h, w, 4) uint8, RGB and 255; `width` and `height` are the whole picture's.

    Four bytes a pixel because libjpeg-turbo writes and Pillow reads them without another copy.
    """

    pixels: Pixels
    width: int
    height: int
    format: str


def load_raster(data: bytes, *, long_side: int, short_side: int, max_pixels: int) -> Raster:
    """Decodes to the smallest size of 1/1, 1/2, 1/4 or 1/8 that keeps both sides at least as long as asked.

    A smaller picture keeps its own size. Raises RefusedError, or whatever a parser raises on damaged bytes.
    """
    if not data:
        raise RefusedError("empty", "the file has no bytes: copy it again from its original")
    kind = sniff(data)
    if kind is None:
        what = describe_foreign(data)
        raise RefusedError("not_an_image", f"this is {what}: Ruiji reads JPEG, PNG, WebP, BMP, GIF and TIFF")
    if kind == "jpeg":
        raster = _load_jpeg(data, long_side=long_side, short_side=short_side, max_pixels=max_pixels)
        if raster is not None:
            return raster
    return _load_with_pillow(data, kind, long_side=long_side, short_side=short_side, max_pixels=max_pixels)


def _check_pixels(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise RefusedError(
            "damaged", "the picture's header gives it no width or height: copy it again from its original"
        )
    if width * height > max_pixels:
        raise RefusedError(
            "too_large",
            f"{width} x {height} pixels are more than the {max_pixels:,} allowed: "
            "save a smaller copy, or raise RUIJI_MAX_PIXELS",
        )


def _factor(width: int, height: int, *, long_side: int, short_side: int) -> int:
    """3/8, 5/8, 6/8 and 7/8 would fit closer, but libjpeg-turbo has SIMD only for these: 3/8 takes longer than 1/2."""
    for factor in (8, 4, 2):
        wide, high = -(-width // factor), -(-height // factor)
        if max(wide, high) >= long_side and min(wide, high) >= short_side:
            return factor
    return 1


def _load_jpeg(data: bytes, *, long_side: int, short_side: int, max_pixels: int) -> Raster | None:
    """None: Pillow shall decide (CMYK, or a stream that libjpeg-turbo warns about, which may still be whole)."""
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    _check_pixels(width, height, max_pixels)
    if colours in ("CMYK", "YCCK"):
        return None
    factor = _factor(width, height, long_side=long_side, short_side=short_side)
    try:
        if factor == 1:
            pixels = simplejpeg.decode_jpeg(data, "RGBA")
        else:
            pixels = simplejpeg.decode_jpeg(
                data, "RGBA", min_height=-(-height // factor), min_width=-(-width // factor)
            )
    except ValueError:
        return None
    orientation = jpeg_orientation(data)
    if orientation != 1:
        pixels = np.asarray(as_image(pixels).transpose(_UPRIGHT[orientation]))
        if orientation >= 5:
            width, height = height, width
    return Raster(pixels=pixels, width=width, height=height, format="jpeg")


def _load_with_pillow(data: bytes, kind: str, *, long_side: int, short_side: int, max_pixels: int) -> Raster:
    with _PARSERS[kind](io.BytesIO(data)) as image:
        width, height = image.size
        _check_pixels(width, height, max_pixels)
        if kind == "jpeg":
            factor = _factor(width, height, long_side=long_side, short_side=short_side)
            image.draft("RGB", (max(1, width // factor), max(1, height // factor)))
        image.load()  # the first frame of an animation
        shrink = min(max(image.size) // max(1, long_side), min(image.size) // max(1, short_side))
        flat = _flatten(image, max(1, shrink))
        orientation = _orientation(image)
    if orientation in _UPRIGHT:
        flat = flat.transpose(_UPRIGHT[orientation])
        if orientation >= 5:
            width, height = height, width
    return Raster(pixels=np.asarray(flat.convert("RGBA")), width=width, height=height, format=kind)


def _orientation(image: Image.Image) -> int:
    """After load(): a PNG's Exif may follow its pixels, and TIFF pictures are then upright already."""
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:  # a damaged Exif block is no reason to lose the picture
        return 1


def _flatten(image: Image.Image, shrink: int) -> Image.Image:
    """Any mode -> RGB, `shrink` times smaller; transparent parts show white.

    Shrunk as early as the mode allows: a copy of the largest picture allowed is 700 MB.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        return _narrow(image, shrink).convert("RGB")
    try:
        if image.has_transparency_data:
            transparent = image if image.mode == "RGBA" else image.convert("RGBA")
            if shrink > 1:
                transparent = transparent.reduce(shrink)
            white = Image.new("RGBA", transparent.size, "white")
            white.alpha_composite(transparent)
            return white.convert("RGB")
        opaque = image if image.mode == "RGB" else image.convert("RGB")
    except ValueError as error:
        raise RefusedError(
            "unsupported", f"colours of the kind {image.mode} are not supported ({error}): save it as RGB"
        ) from error
    return opaque.reduce(shrink) if shrink > 1 else opaque


def _narrow(image: Image.Image, shrink: int) -> Image.Image:
    """16-bit and 32-bit greys -> 8 bits: the high byte of whole numbers, the range of floating-point ones."""
    values = np.asarray(image)
    if values.dtype.kind == "f":
        narrow = _scale(values)
    elif values.dtype.itemsize == 4 and values.max(initial=0) <= 255:
        narrow = values.clip(0, 255).astype(np.uint8)
    else:
        narrow = (values.clip(0, 65535) >> 8).astype(np.uint8)
    grey = Image.fromarray(narrow)
    return grey.reduce(shrink) if shrink > 1 else grey


def _scale(values: NDArray[Any]) -> Pixels:
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    scale = 255.0 / (high - low) if high > low and math.isfinite(high - low) else 0.0
    bounded = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    scaled: Pixels = ((bounded - low) * scale).clip(0, 255).astype(np.uint8)
    return scaled


def as_image(pixels: Pixels) -> Image.Image:
    """(h, w, 4) uint8 -> Pillow's RGBX over the same memory."""
    height, width = pixels.shape[:2]
    return Image.frombuffer("RGBX", (width, height), pixels, "raw", "RGBX", 0, 1)
