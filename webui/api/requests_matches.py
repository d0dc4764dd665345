"""What a request about all images that match may hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .requests import Filters, Id, Key, LabelName, Picture, Request, State


class MatchRequest(Filters, Picture):
    """At least one condition; a least score is one of the picture. `hide_own` leaves the picture itself out.

    `any_way_up` as in the search. With `keep` the images are held still under a token; without, they are counted only.
    """

    hide_own: bool = False
    any_way_up: bool = False
    keep: bool = True


class PlanRequest(Request):
    """`out` are images of the match that were taken out by hand."""

    label: LabelName
    out: tuple[Id, ...] = Field(default=(), max_length=2000)


class MatchDecisions(Request):
    """One decision about those of the plan's images that stand to the label in one of these ways.

    The same `key` sent twice counts once.
    """

    key: Key
    decision: State
    kinds: tuple[Literal["plain", "other", "yes", "no"], ...] = Field(min_length=1, max_length=4)
