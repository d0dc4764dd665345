"""What a request about the history may hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictStr

from .requests import Page, Request


class HistoryPage(Page):
    """With `author`, the batches of this person alone."""

    author: Annotated[StrictStr, Field(min_length=1, max_length=400)] | None = None


class BatchQuery(Request):
    """`limit` is how many images are shown, and how many that people disagree on."""

    limit: Annotated[int, Field(ge=1, le=500)] = 40
