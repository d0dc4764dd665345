"""What a request about hunts may hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictStr
from spectree.model_adapter.pydantic_adapter import BaseFile

from .requests import Id, Key, LabelName, Request, Score, Sha256

Sign = Literal[1, -1]
Token = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
HuntName = Annotated[StrictStr, Field(max_length=400)]  # the ledger has the last word


class AnExample(Request):
    """Exactly one of an image, an earlier upload and a picture offered; sign 1 looks for its like, -1 away from it."""

    image_id: Id | None = None
    upload: Sha256 | None = None
    sample: Annotated[StrictStr, Field(max_length=255)] | None = None
    sign: Sign = 1


class ExampleOptions(Request):
    """What a form says of the picture that comes with it: forms hold text."""

    sign: Annotated[Sign, BeforeValidator(int)] = 1


class ExampleUpload(ExampleOptions):
    """An example by its bytes (multipart/form-data)."""

    file: BaseFile


class NewHunt(Request):
    label: LabelName
    name: HuntName | None = None
    examples: tuple[AnExample, ...] = Field(default=(), max_length=100)


class HuntChange(Request):
    name: HuntName | None = None
    finished: bool | None = None


class StepOptions(Request):
    """`fold`: tell which pictures are near-identical, and count a page in tiles that each stand for some of them."""

    fold: bool = False


class HuntDecisions(Request):
    """Which of the pictures shown are the label and which are not. The same `key` sent twice counts once.

    `encoder` and `scores` (image id -> cosine) are noted in the history.
    """

    key: Key
    token: Token
    yes: tuple[Id, ...] = Field(default=(), max_length=20_000)
    no: tuple[Id, ...] = Field(default=(), max_length=20_000)
    encoder: Annotated[StrictStr, Field(max_length=64)] | None = None
    scores: dict[int, Score] = Field(default_factory=dict, max_length=20_000)


class Accept(Request):
    """The answer to an offer to label a run unseen. The same `key` sent twice counts once."""

    key: Key
    token: Token
    accept: bool
