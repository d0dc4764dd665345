"""What the answers about all images that match hold: their description; the tests compare real answers with it."""

from __future__ import annotations

from pydantic import BaseModel

from .answers import Shown


class Match(BaseModel):
    """All that match, held still under this token for an hour; null when they were only counted."""

    token: str | None
    matched: int


class Drawn(Shown):
    """`score` as in a result; null where no picture was searched by."""

    score: float | None


class MatchPlan(BaseModel):
    """How the matching images stand to the label: `matched` = `plain` + `other` + `yes` + `no`.

    `yes` are the label, `no` were said not to be; of the others, `other` have another label, `rivals` of these one that
    a yes would end (`group` is the exclusive group of both), and `plain` have none. `token` names the plan. `drawn` are
    a few of them, drawn at random.
    """

    token: str
    label: str
    group: str | None
    matched: int
    plain: int
    other: int
    rivals: int
    yes: int
    no: int
    drawn: list[Drawn]


class MatchDecided(BaseModel):
    """`changed` images of the plan were left out: they match no more, or were decided otherwise meanwhile.

    `batch` is what an undo names; null when none was left. A repeated answer does not know how many had changed.
    """

    batch: int | None
    applied: int
    changed: int
    repeated: bool
