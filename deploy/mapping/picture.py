"""Maps as a PNG: discs with smooth edges, one panel an encoder, and what the colours mean below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deploy.mapping.drawing import Drawing

SIDE, MARGIN, HEAD, ROW = 900, 20, 44, 26
SMOOTH = 2  # drawn so many times larger, then reduced
AROUND, ABOVE, AWAY = 0.7, 0.35, 3.4  # where a map in three dimensions is looked at from: radians, and its half sizes
PAPER, INK = "#ffffff", "#222222"


def draw_picture(drawings: Sequence[Drawing], colours: Mapping[str, str]) -> Image.Image:
    """All maps beside each other, the legend below."""
    width = MARGIN + len(drawings) * (SIDE + MARGIN)
    rows = _rows(list(colours), width - 2 * MARGIN)
    picture = Image.new("RGB", (width, HEAD + SIDE + MARGIN + ROW * len(rows) + MARGIN), PAPER)
    pen = ImageDraw.Draw(picture)
    large, small = ImageFont.load_default(20), ImageFont.load_default(15)
    for place, drawing in enumerate(drawings):
        x = MARGIN + place * (SIDE + MARGIN)
        pen.text((x, 12), drawing.title, fill=INK, font=large)
        picture.paste(_panel(drawing, colours), (x, HEAD))
    for at, row in enumerate(rows):
        y = HEAD + SIDE + MARGIN + at * ROW
        x = MARGIN
        for name in row:
            pen.ellipse((x, y + 4, x + 12, y + 16), fill=colours[name])
            pen.text((x + 18, y), name, fill=INK, font=small)
            x += _width(name)
    return picture


def _panel(drawing: Drawing, colours: Mapping[str, str]) -> Image.Image:
    side = SIDE * SMOOTH
    panel = Image.new("RGB", (side, side), PAPER)
    pen = ImageDraw.Draw(panel)
    places, order = projected(drawing.positions)
    radius = SMOOTH * float(np.clip(160 / np.sqrt(max(1, len(places))), 1.6, 6.0))
    centres = (places * np.array([1, -1]) * 0.47 + 0.5) * side
    for at in order.tolist():
        x, y = centres[at]
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colours[drawing.names[at]])
    return panel.resize((SIDE, SIDE), Image.Resampling.BOX)


def projected(positions: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Places (n, 2) between -1 and 1, and the order (n,) to draw them in: the farthest first."""
    if positions.shape[1] == 2:
        return positions.astype(np.float64), np.random.default_rng(0).permutation(len(positions))
    x, y, z = positions.astype(np.float64).T
    across, deep = np.cos(AROUND) * x + np.sin(AROUND) * z, np.cos(AROUND) * z - np.sin(AROUND) * x
    up, deep = np.cos(ABOVE) * y - np.sin(ABOVE) * deep, np.cos(ABOVE) * deep + np.sin(ABOVE) * y
    places = np.stack([across, up], axis=1) * (AWAY / (AWAY - deep))[:, None]
    most = float(np.abs(places).max()) if len(places) else 1.0
    return places / max(1.0, most), np.argsort(deep, kind="stable")


def _width(name: str) -> int:
    return 42 + int(ImageFont.load_default(15).getlength(name))


def _rows(names: Sequence[str], width: int) -> list[list[str]]:
    rows: list[list[str]] = [[]]
    used = 0
    for name in names:
        if used + _width(name) > width and rows[-1]:
            rows.append([])
            used = 0
        rows[-1].append(name)
        used += _width(name)
    return rows
