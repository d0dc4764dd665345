"""What answers about maps hold; the tests compare real answers with it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from .answers import Result


class Map(BaseModel):
    """`share` of the drawing is done, 0 to 1; `silent`: nobody seems to work on it any more, so ask again.

    `ready`: it has points to show, also while it is drawn anew. Of its `images`, `placed` came after it was drawn.
    They are chosen at random where there were more than `most`: `of` so many.
    """

    id: str
    encoder: str
    encoder_name: str
    dimensions: Literal[2, 3]
    labels: list[str]
    sources: list[int]
    most: int
    state: Literal["waiting", "drawing", "done", "failed"]
    share: float
    silent: bool
    ready: bool
    error: str | None
    images: int
    of: int
    placed: int
    at: float


class Maps(BaseModel):
    maps: list[Map]


class MapLabel(BaseModel):
    name: str
    colour: str
    group: str | None


class Points(BaseModel):
    """Columns of equal length, an item for each image that is there; `z` is null in two dimensions.

    `of` holds for each image the places of its labels in `labels`; positions lie between -1 and 1.
    """

    id: str
    image_ids: list[int]
    x: list[float]
    y: list[float]
    z: list[float] | None
    of: list[list[int]]
    labels: list[MapLabel]


class Shown(BaseModel):
    """The images that are there, most like the middle of all first; `score` is the cosine to it."""

    encoder: str
    results: list[Result]
