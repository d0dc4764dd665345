"""What answers about training hold; the tests compare real answers with it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Epoch(BaseModel):
    """Null where it was not measured, or was no finite number. `knn` is a share; `seconds` it took."""

    epoch: int
    loss: float | None
    learning_rate: float | None
    projection_std: float | None
    knn: float | None
    images_per_s: float | None
    seconds: float | None


class Run(BaseModel):
    """A training run. `members` of its `ranks` processes are at work; `last` is its last epoch of `epochs`.

    `encoder` is what came out of it. A run that is `running` without members waits for workers.
    """

    id: int
    name: str
    preset: str
    sources: list[str]
    ranks: int
    members: int
    state: Literal["running", "paused", "cancelled", "done", "failed"]
    stage: Literal["prepare", "train", "ship"]
    attempts: int
    pictures: int | None
    left_out: int | None
    epochs: int | None
    done: int
    last: Epoch | None
    seconds_left: float | None
    encoder: str | None
    error: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None


class RunWithCurve(Run):
    curve: list[Epoch]


class Preset(BaseModel):
    name: str
    about: str


class Runs(BaseModel):
    """`workers` can train now: without one, a run waits."""

    runs: list[Run]
    presets: list[Preset]
    workers: int


class RunStarted(BaseModel):
    run: int
    woken: bool
