"""What a request about training may hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt, StrictStr

from .requests import Id, Request


class NewRun(Request):
    """An encoder to train on the photos of these sources; `epochs` and `batch_size` replace the preset's own."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=400)]  # the ledger has the last word
    preset: Annotated[StrictStr, Field(min_length=1, max_length=32)]
    sources: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    ranks: Annotated[StrictInt, Field(ge=1, le=64)] = 1
    epochs: Annotated[StrictInt, Field(ge=1, le=10_000)] | None = None
    batch_size: Annotated[StrictInt, Field(ge=2, le=65_536)] | None = None


class Later(Request):
    """Of the curve, only epochs later than this one."""

    after: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
