"""What a request to the API may hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr
from spectree.model_adapter.pydantic_adapter import BaseFile

from catalog.search import MOST_RESULTS

LARGEST_ID = 2**63 - 1
Id = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
FormId = Annotated[int, Field(ge=1, le=LARGEST_ID)]  # forms and addresses hold text
Sha256 = Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
Score = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
LabelName = Annotated[StrictStr, Field(min_length=1, max_length=400)]  # the ledger has the last word
KEY = (
    "Chosen by who asks, a new one for each change. The same request sent again with its key writes nothing and is "
    "answered `repeated`; any other one with that key is refused: 409, key_taken."
)
Key = Annotated[StrictStr, Field(min_length=1, max_length=64, pattern=r"^[ -~]+$", description=KEY)]
HuntId = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]
State = Literal["yes", "no", "unknown"]
Item = TypeVar("Item")


def as_list(value: Any) -> Any:
    """One value stands for a list of one."""
    return value if isinstance(value, list | tuple) else [value]


Several = Annotated[tuple[Item, ...], BeforeValidator(as_list)]


class Request(BaseModel):
    """A document that a client sends: a misspelt field is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Filters(Request):
    """Conditions, which add up: any of these labels, no label at all, any of these sources, a least score."""

    label: Several[LabelName] = Field(default=(), max_length=100)
    unlabelled: bool = False
    source: Several[FormId] = Field(default=(), max_length=1000)
    min_score: Score | None = None


class Browse(Filters):
    """Which images to show, and how many; without a picture there is no score, so `min_score` is refused."""

    k: Annotated[int, Field(ge=1, le=MOST_RESULTS)] = 60


class SearchOptions(Filters):
    """What every search may hold, whatever it starts from.

    `fold`: tell which results are near-identical, and add those that rank a little lower than `k`.
    `any_way_up`: turned and mirrored, too, the way whose neighbours are nearest.
    """

    k: Annotated[int, Field(ge=1, le=MOST_RESULTS)] = 60
    suggest: bool = False
    fold: bool = False
    any_way_up: bool = False


class SearchUpload(SearchOptions):
    """A search by a picture's bytes (multipart/form-data)."""

    file: BaseFile


class Picture(Request):
    """An image that is known, an earlier upload, or one of the pictures offered: one of them at most."""

    image_id: Id | None = None
    upload: Sha256 | None = None
    sample: Annotated[StrictStr, Field(max_length=255)] | None = None


class SearchRequest(SearchOptions, Picture):
    """A search by exactly one picture."""


class NewLabel(Request):
    """`exclusive` counts when the group is made: an image is at most one label of it."""

    name: LabelName
    group: LabelName | None = None
    exclusive: bool = True


class LabelChange(Request):
    """What is left out stays. A `group` of null takes the label out of its group."""

    name: LabelName | None = None
    colour: Annotated[StrictStr, Field(pattern=r"^#[0-9A-Fa-f]{6}$")] | None = None
    group: LabelName | None = None
    exclusive: bool = True


class Merge(Request):
    """`into` is the name of the label that takes over. The same `key` sent twice counts once."""

    key: Key
    into: LabelName


class MergeInto(Request):
    """`into` is the name of the label that would take over."""

    into: LabelName


class GroupChange(Request):
    """What is left out stays."""

    name: LabelName | None = None
    exclusive: bool | None = None


class Decisions(Request):
    """One decision about one label for many images. The same `key` sent twice counts once.

    `hunt`, `encoder` and `scores` are noted in the history: where the images were found, by which encoder, how near.
    """

    key: Key
    label: LabelName
    decision: State
    image_ids: tuple[Id, ...] = Field(min_length=1, max_length=100_000)
    hunt: HuntId | None = None
    encoder: Annotated[StrictStr, Field(max_length=64)] | None = None
    scores: tuple[Score | None, ...] | None = Field(default=None, max_length=100_000)


class Undo(Request):
    key: Key


class Page(Request):
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    offset: Annotated[int, Field(ge=0, le=10**9)] = 0


class NewSource(Request):
    path: Annotated[StrictStr, Field(min_length=1, max_length=4096)]
    name: Annotated[StrictStr, Field(max_length=200)] = ""
    labels_from_folders: bool = False


class FolderQuery(Request):
    path: Annotated[str, Field(max_length=4096)] = ""
