"""What the answers of the API hold: their description; the tests compare real answers with it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from .answers_training import Run


class ErrorBody(BaseModel):
    code: str
    message: str
    kind: str | None = None
    batch: int | None = None  # of key_taken: what was written under the key
    request_id: str  # by which the server's logs call this request


class Problem(BaseModel):
    """The answer to every request that failed."""

    error: ErrorBody


class LabelOn(BaseModel):
    id: int
    name: str
    colour: str
    state: Literal["yes", "no"]
    origin: Literal["person", "folder", "import"]


class SuggestionOn(BaseModel):
    """What the nearest labelled images are; `share` is the part of their similarity that speaks for it, 0 to 1."""

    name: str
    colour: str
    share: float


class Shown(BaseModel):
    """An image as a tile."""

    image_id: int
    own_copy: bool
    labels: list[LabelOn]
    suggestion: SuggestionOn | None
    source: str
    path: str
    width: int
    height: int
    thumbnail: str


class Result(Shown):
    """`score` is the cosine similarity to the picture searched by."""

    score: float


class Query(BaseModel):
    upload: str | None
    image_id: int | None
    width: int
    height: int


class WayUp(BaseModel):
    """How the query was turned before it was searched by: anticlockwise, then mirrored left to right."""

    degrees: int
    mirrored: bool


class SearchAnswer(BaseModel):
    """`way_up` is null unless any way up was asked for.

    `folds`: ids of results that are near-identical and labelled alike, two or more each, best first.
    """

    query: Query
    way_up: WayUp | None
    encoder: str
    took_ms: dict[str, float]
    results: list[Result]
    folds: list[list[int]]
    exhausted: bool


class Sample(BaseModel):
    name: str
    url: str
    sha256: str


class Samples(BaseModel):
    samples: list[Sample]


class Deleted(BaseModel):
    deleted: int


class Label(BaseModel):
    """`exclusive`: its group is, and an image is no other label of it."""

    id: int
    name: str
    colour: str
    group: str | None
    exclusive: bool
    yes: int
    no: int


class Labels(BaseModel):
    labels: list[Label]


class Group(BaseModel):
    """Labels that belong together; in an exclusive group an image is one of them at most."""

    id: int
    name: str
    exclusive: bool
    labels: list[str]


class Groups(BaseModel):
    groups: list[Group]


class Merged(BaseModel):
    """In images: `moved` left the merged label, `contradictions` stayed; with none, the label is gone from the list."""

    batch: int
    moved: int
    contradictions: int
    repeated: bool


class MergePlan(BaseModel):
    """In images, each counted once of `yes`, `no`, `same` and `contradictions`: what a merge would do.

    `yes` become the other label, `no` are ruled out for it, `same` leave it as it is, `contradictions` stay. `ended`
    are those that another label of its exclusive group is taken from.
    """

    yes: int
    no: int
    same: int
    contradictions: int
    ended: int


class BatchResult(BaseModel):
    batch: int
    applied: int
    unchanged: int
    images: int
    repeated: bool


class SourceStarted(BaseModel):
    """`woken` is false when no worker could be told; the job then starts with the next sweep."""

    job: int
    source: int
    woken: bool


class Source(BaseModel):
    id: int
    name: str
    root: str
    labels_from_folders: bool
    images: int


class Sources(BaseModel):
    sources: list[Source]


class Folder(BaseModel):
    """`path` is null for a name that is not text in UTF-8: such a folder is ingested with its parent."""

    name: str
    path: str | None
    pictures: int
    more: bool


class Folders(BaseModel):
    """`path` is null for the list of the folders that may be added."""

    path: str | None
    parent: str | None
    pictures: int
    more: bool
    folders: list[Folder]


class Job(BaseModel):
    id: int
    kind: str
    state: Literal["scanning", "running", "paused", "cancelled", "done", "failed"]
    source_id: int | None
    source: str | None
    encoder: str
    scanned: int
    total: int
    done: int
    embedded: int
    known: int
    bad: int
    indexed: int
    searchable: bool
    images_per_s: float
    seconds_left: float | None
    created_at: float
    finished_at: float | None
    error: str | None


class Jobs(BaseModel):
    jobs: list[Job]


class BadFile(BaseModel):
    path: str
    kind: str
    reason: str
    at: float


class BadFiles(BaseModel):
    bad: list[BadFile]


class Encoder(BaseModel):
    id: str
    name: str
    dimension: int
    input_size: int
    serving: bool
    metrics: dict[str, object]
    created_at: float


class Counts(BaseModel):
    images: int
    labelled: int
    unlabelled: int
    bad: int


class UnreadableSource(BaseModel):
    """A source of which a worker sees nothing on its machine, and what to do about it."""

    source_id: int
    source: str
    reason: str
    since: float


class Worker(BaseModel):
    name: str
    queues: list[str]
    host: str
    pid: int
    device: str
    doing: str | None
    images: int
    unreadable: list[UnreadableSource]
    heartbeat_at: float


class Status(BaseModel):
    encoder: Encoder | None
    counts: Counts
    workers: list[Worker]
    jobs: list[Job]
    runs: list[Run]
    free_bytes: int | None


class Token(BaseModel):
    token: str
