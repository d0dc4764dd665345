"""What the answers about the history hold: their description; the tests compare real answers with it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from .requests import State


class BatchPart(BaseModel):
    """How many images of the batch got this decision about this label."""

    label: str
    colour: str
    decision: State
    images: int


class OthersDecisions(BaseModel):
    """Another person, and how many decisions about an image and a label."""

    author: str
    decisions: int


class Batch(BaseModel):
    """One confirm, merge, undo or redo; `labels` are the names that it was about.

    `over` are decisions of other people that it replaced, `by` those of others that have replaced its own since.
    """

    id: int
    kind: Literal["decide", "review", "undo", "redo", "merge", "folder", "import"]
    author: str
    size: int
    at: float
    undoes: int | None
    undone: bool
    labels: list[str]
    parts: list[BatchPart]
    over: list[OthersDecisions]
    by: list[OthersDecisions]


class Batches(BaseModel):
    """`authors` are all that have ever decided something."""

    batches: list[Batch]
    authors: list[str]


class SaidOf(BaseModel):
    image_id: int
    thumbnail: str
    label: str
    colour: str
    decision: State


class Conflict(BaseModel):
    """Two people on one image and one label: what the first one said, and the second one after that."""

    image_id: int
    thumbnail: str
    label: str
    colour: str
    first_author: str
    first: State
    then_author: str
    then: State
    at: float


class BatchShown(BaseModel):
    """`images` and `conflicts` are the first ones; the batch has the numbers of all."""

    batch: Batch
    images: list[SaidOf]
    conflicts: list[Conflict]
