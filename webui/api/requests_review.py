"""What a request about one label's images may hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictStr

from .requests import Id, Key, Request, Score

Sort = Literal["doubt", "unlike", "newest"]
MOST_SHOWN = 5000
Images = Annotated[tuple[Id, ...], Field(max_length=MOST_SHOWN)]
EncoderId = Annotated[StrictStr, Field(max_length=64)]


class ReviewQuery(Request):
    """`doubt` brings first what is most likely wrong, `unlike` what is least like the rest.

    `everything` shows what was looked at in a review, too.
    """

    sort: Sort = "doubt"
    offset: Annotated[int, Field(ge=0, le=10**9)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_SHOWN)] = 60
    everything: bool = False


class ReviewDecisions(Request):
    """Which of the images shown stay the label and which are not it. The same `key` sent twice counts once.

    `encoder` and `scores` (image id -> likeness) are noted in the history.
    """

    key: Key
    kept: Images = ()
    removed: Images = ()
    encoder: EncoderId | None = None
    scores: dict[int, Score] = Field(default_factory=dict, max_length=MOST_SHOWN)


class SuggestedQuery(Request):
    limit: Annotated[int, Field(ge=1, le=MOST_SHOWN)] = 60


class SuggestedDecisions(Request):
    """Which of the images shown are the label and which are not. The same `key` sent twice counts once."""

    key: Key
    yes: Images = ()
    no: Images = ()
    encoder: EncoderId | None = None
    scores: dict[int, Score] = Field(default_factory=dict, max_length=MOST_SHOWN)


class ComparedQuery(Request):
    offset: Annotated[int, Field(ge=0, le=10**9)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_SHOWN)] = 60


class Moves(Request):
    """Images that are not this label: they are the `other` one, or `neither`. The same `key` sent twice counts once."""

    key: Key
    image_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_SHOWN)]
    to: Literal["other", "neither"]
    encoder: EncoderId | None = None
