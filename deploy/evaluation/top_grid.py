"""Draws what a search finds as one picture: queries of each group, each with its six nearest and their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deploy.evaluation.album import Album
from deploy.evaluation.questions import Questions

TOP = 6
ROWS = 3  # queries of each group, of different classes while there are enough
TILE, MARGIN, CAPTION, HEAD, RULE, CROSS = 128, 10, 34, 40, 3, 16
PAPER, INK, FAINT, RIGHT, WRONG = "#ffffff", "#222222", "#666666", "#009e73", "#d55e00"


@dataclass(frozen=True)
class Row:
    """A query and its nearest, as rows of the questions, with their cosines (TOP,)."""

    query: int
    nearest: tuple[int, ...]
    cosines: tuple[float, ...]


def top_rows(questions: Questions, groups: Mapping[str, Sequence[str]], *, seed: int = 0) -> dict[str, list[Row]]:
    """For each group ROWS queries by chance, the same for every encoder, with what is nearest to them."""
    vectors, labels = questions.asking.vectors, questions.asking.labels
    number = {name: place for place, name in enumerate(questions.classes)}
    by_row = np.argsort(questions.rows)  # decoding may have brought them in another order
    found: dict[str, list[Row]] = {}
    for name, members in groups.items():
        rng = np.random.default_rng(seed)
        waiting = {one: list(by_row[labels[by_row] == number[one]]) for one in members if one in number}
        waiting = {one: rows for one, rows in waiting.items() if rows}
        names = rng.permutation(sorted(waiting)).tolist()
        queries = [int(rng.choice(waiting[names[turn % len(names)]])) for turn in range(ROWS if names else 0)]
        found[name] = [_row(vectors, query) for query in queries]
    return found


def draw_top(questions: Questions, album: Album, rows: Mapping[str, Sequence[Row]], *, title: str) -> Image.Image:
    """The picture: right ones framed in green, wrong ones in orange with a cross, each with its class and cosine."""
    wanted = sorted({row for group in rows.values() for one in group for row in (one.query, *one.nearest)})
    tiles = _tiles(questions, album, wanted)
    width = MARGIN + (TOP + 1) * (TILE + MARGIN) + 2 * MARGIN
    height = HEAD + sum(HEAD + len(group) * (TILE + CAPTION) for group in rows.values()) + MARGIN
    picture = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(picture)
    large, small = ImageFont.load_default(18), ImageFont.load_default(13)
    pen.text((MARGIN, MARGIN), title, fill=INK, font=large)
    y = HEAD
    for name, group in rows.items():
        pen.text((MARGIN, y + MARGIN), name, fill=INK, font=large)
        y += HEAD
        for row in group:
            asked = questions.asking.labels[row.query]
            for place, at in enumerate((row.query, *row.nearest)):
                x = MARGIN + place * (TILE + MARGIN) + (2 * MARGIN if place else 0)
                label = questions.asking.labels[at]
                right = label == asked
                edge = FAINT if place == 0 else RIGHT if right else WRONG
                pen.rectangle((x - RULE, y - RULE, x + TILE + RULE - 1, y + TILE + RULE - 1), fill=edge)
                picture.paste(tiles[at], (x, y))
                if place and not right:
                    _cross(pen, x, y)
                told = "query" if place == 0 else f"{row.cosines[place - 1]:.2f}"
                pen.text((x, y + TILE + 4), f"{questions.classes[label]} · {told}", fill=INK, font=small)
            y += TILE + CAPTION
    return picture


def save_top(path: Path, picture: Image.Image) -> None:
    """Write the PNG."""
    picture.save(path, "PNG", optimize=True)


def _cross(pen: ImageDraw.ImageDraw, x: int, y: int) -> None:
    """A cross in the tile's corner, for those to whom the frames look alike."""
    pen.rectangle((x, y, x + CROSS, y + CROSS), fill=WRONG)
    for one, other in (((4, 4), (12, 12)), ((4, 12), (12, 4))):
        pen.line((x + one[0], y + one[1], x + other[0], y + other[1]), fill=PAPER, width=2)


def _row(vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]], query: int) -> Row:
    scores = vectors @ vectors[query]
    scores[query] = -np.inf
    nearest = np.argsort(-scores, kind="stable")[: min(TOP, len(scores) - 1)]
    return Row(query, tuple(nearest.tolist()), tuple(scores[nearest].tolist()))


def _tiles(questions: Questions, album: Album, rows: Sequence[int]) -> dict[int, Image.Image]:
    """The pictures of these rows of the questions, at the size of a tile."""
    photo_of = {int(questions.rows[row]): row for row in rows}
    tiles = {}
    for batch in album.pictures.batches(list(photo_of), size=TILE):
        for photo, pixels in zip(batch.rows.tolist(), batch.pictures, strict=True):
            tiles[photo_of[photo]] = Image.fromarray(pixels)
    return tiles
