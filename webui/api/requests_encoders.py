"""What a request about encoders may hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictStr
from spectree.model_adapter.pydantic_adapter import BaseFile

from .requests import Id, Request, Sha256


class NewEncoder(Request):
    """A folder, or a zip that an export has written, below the allowed roots."""

    path: Annotated[StrictStr, Field(min_length=1, max_length=4096)]


class Promotion(Request):
    """`incomplete`: let it serve although it does not find every image."""

    incomplete: StrictBool = False


class Pair(Request):
    """Two encoders by their ids, and how many nearest are compared."""

    first: Sha256
    second: Sha256
    k: Annotated[int, Field(ge=1, le=100)] = 10


class Figures(Pair):
    """`queries` random images are asked for the overlap."""

    queries: Annotated[int, Field(ge=1, le=1000)] = 100


class SideBySide(Pair):
    """One question to both: an image that is known, an earlier upload, or one of the pictures offered."""

    image_id: Id | None = None
    upload: Sha256 | None = None
    sample: Annotated[StrictStr, Field(max_length=255)] | None = None


class SideBySideUpload(Pair):
    """One question to both by a picture's bytes (multipart/form-data)."""

    file: BaseFile
