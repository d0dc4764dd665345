"""What answers about encoders hold; the tests compare real answers with it."""

from __future__ import annotations

from pydantic import BaseModel

from .answers import Encoder, Job, Query, Result


class EncoderRow(Encoder):
    """An encoder with its training, its figures (shares), and its collection.

    `images` are there, of these `embedded` have a vector of it and `indexed` can be found; `job` embeds the rest.
    `previous`: a roll-back leads to it. `epochs` are those of its parents too; `bytes` those of the weights.
    """

    previous: bool
    method: str | None
    backbone: str | None
    epochs: int | None
    parent: str | None
    parent_name: str | None
    knn: float | None
    linear_probe: float | None
    precision_at_10: float | None
    by_label: dict[str, float]
    bytes: int | None
    images: int
    embedded: int
    indexed: int
    job: Job | None


class EncoderRows(BaseModel):
    encoders: list[EncoderRow]


class FillStarted(BaseModel):
    """`job` is null when every image that has a file has its vector already."""

    job: int | None
    woken: bool


class Switched(BaseModel):
    """`lack` images are found by no search until `job` has embedded them; without a job, their files are gone."""

    serving: str
    before: str | None
    images: int
    indexed: int
    lack: int
    job: int | None
    woken: bool


class LabelFigures(BaseModel):
    label: str
    queries: int
    first: float
    second: float


class Question(BaseModel):
    """An image that both have embedded, to ask them about."""

    image_id: int
    thumbnail: str


class EncoderFigures(BaseModel):
    """`overlap`: mean share of the k nearest that both return. `first` and `second`: precision@k among `labelled`."""

    k: int
    queries: int
    overlap: float | None
    labelled: int
    first: float | None
    second: float | None
    by_label: list[LabelFigures]
    questions: list[Question]


class Side(BaseModel):
    encoder: str
    results: list[Result]


class SidesAnswer(BaseModel):
    """Both answers to one question, each named after the encoder that gave it."""

    query: Query
    k: int
    overlap: float
    sides: list[Side]
