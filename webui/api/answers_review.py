"""What the answers about one label's images hold: their description; the tests compare real answers with it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from .answers import Label, Result


class Review(BaseModel):
    """A page of a label's images. The score of a result is how like the rest of the label it is (cosine).

    `total` images are in the list that this is a page of, `reviewed` of the label were looked at, `unranked` of the
    list have no vector yet and come last. A result's suggestion is the label that it looks like instead.
    """

    label: Label
    encoder: str | None
    sort: Literal["doubt", "unlike", "newest"]
    results: list[Result]
    total: int
    reviewed: int
    unranked: int
    took_ms: dict[str, float]


class ReviewDecided(BaseModel):
    """In images: `passed_over` were left in here and had been taken out by somebody else meanwhile; that holds."""

    batch: int
    kept: int
    removed: int
    passed_over: int
    repeated: bool


class Suggested(BaseModel):
    """Undecided images, best first. Results from `cut` on are less likely than not to be the label."""

    label: Label
    encoder: str
    results: list[Result]
    cut: int | None
    took_ms: dict[str, float]


class SuggestedDecided(BaseModel):
    """`passed_over` had been decided by somebody else meanwhile; that holds."""

    batch: int
    applied: int
    unchanged: int
    images: int
    passed_over: int
    repeated: bool


class Compared(BaseModel):
    """Images of `label`, most like `other` first; `both` more carry the two labels and are not among the `total`."""

    label: Label
    other: Label
    encoder: str | None
    results: list[Result]
    total: int
    both: int
    took_ms: dict[str, float]
