"""What a request about exports may hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr

from curate.exports.formats import Format

from .requests import FormId, Request, Several

LONGEST = 8000  # characters: an address that is longer is refused by web servers

RUNS = r"^[0-9]{1,19}(-[0-9]{1,19})?(,[0-9]{1,19}(-[0-9]{1,19})?)*$"
Runs = tuple[tuple[int, int], ...]


def runs(text: str) -> str:
    """The text, if no run in it goes backwards."""
    for first, last in read_runs(text):
        if first > last:
            raise ValueError(f"{first}-{last} goes backwards")
    return text


def read_runs(text: str) -> Runs:
    """1-40,42 -> ((1, 40), (42, 42))."""
    ends = [(first, last or first) for first, _, last in (part.partition("-") for part in text.split(","))]
    return tuple((int(first), int(last)) for first, last in ends)


LabelRuns = Annotated[StrictStr, Field(pattern=RUNS, max_length=LONGEST), AfterValidator(runs)]


class ExportQuery(Request):
    """Which labels: each `label` by its id, or `labels` or `without` in runs of ids such as 1-40,42; else all of them.

    A run means those labels in it that there are. `rejected` adds what images were said not to be, where the format has
    a place.
    """

    format: Format = Format.CSV
    label: Several[FormId] = Field(default=(), max_length=1000)
    labels: LabelRuns | None = None
    without: LabelRuns | None = None
    rejected: bool = False
