"""What the answers about images hold: their description; the tests compare real answers with it."""

from __future__ import annotations

from pydantic import BaseModel

from .answers import LabelOn, Shown


class Newest(Shown):
    """No picture was searched by."""

    score: None


class Browsed(BaseModel):
    """`encoder` is the one that serves, null where there is none; `exhausted`: there are no more."""

    results: list[Newest]
    encoder: str | None
    exhausted: bool


class Place(BaseModel):
    source_id: int
    source: str
    path: str


class Image(BaseModel):
    id: int
    sha256: str
    width: int
    height: int
    bytes: int
    format: str
    thumbnail: str
    view: str
    places: list[Place]
    labels: list[LabelOn]
