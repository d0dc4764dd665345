"""What the answers about hunts hold: their description; the tests compare real answers with it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from .answers import Result


class HuntLabel(BaseModel):
    id: int
    name: str
    colour: str


class HuntExample(BaseModel):
    """An image, or an `upload` by the sha256 of its bytes; `thumbnail` is an address, null where there is none.

    `there` is false for an image that was deleted since.
    """

    id: int
    sign: Literal[1, -1]
    kind: Literal["image", "upload"]
    image_id: int | None
    upload: str | None
    there: bool
    thumbnail: str | None


class Hunt(BaseModel):
    """A hunt; a list of hunts leaves `examples` out."""

    id: str
    label: HuntLabel
    name: str | None
    author: str
    version: int
    created_at: float
    updated_at: float
    finished_at: float | None
    found: int
    rejected: int
    examples: list[HuntExample]


class Hunts(BaseModel):
    hunts: list[Hunt]


class Estimate(BaseModel):
    """How many of the label are still unfound, and the share found, with 90 % intervals."""

    remaining: int
    low: int
    high: int
    recall: float
    recall_low: float
    recall_high: float
    advice: Literal["go_on", "nearly_all", "cannot_tell"]
    text: str


class Estimated(BaseModel):
    """`estimate` is null before the first random check."""

    estimate: Estimate | None


class Step(BaseModel):
    """What to look at next. Results from `cut` on are less likely than not to be of the label.

    page: the best undecided pictures. probe: a page further down, `run` pictures passed over. sample: pictures from all
    over a run of `run`.
    check: pictures drawn at random, for the estimate. accept: `count` pictures may be labelled unseen, about the share
    `wrong` of them wrongly. end: nothing is left. `checked`: how many pictures of random checks were decided so far.
    `line`: enough is known for some to lie above the line, on this page or not.
    `folds`: ids of results that are near-identical and labelled alike, two or more each, best first.
    """

    kind: Literal["page", "probe", "sample", "accept", "check", "end"]
    token: str
    encoder: str
    results: list[Result]
    folds: list[list[int]]
    cut: int | None
    line: bool
    run: int
    count: int
    wrong: float
    checked: int
    found: int
    rejected: int
    took_ms: dict[str, float]


class HuntDecided(BaseModel):
    """`batch` is what an undo names; null when nothing was recorded."""

    batch: int | None
    applied: int
    unchanged: int
    repeated: bool
    found: int
    rejected: int
