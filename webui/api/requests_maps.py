"""What a request about maps may hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from .requests import Id, LabelName, Request, Several, Sha256


class NewMap(Request):
    """At most `most` images, of any of the labels and any of the sources; without an encoder that of the searches.

    A 2-D map that is there keeps its points, and images that came since are placed among them, unless `anew`.
    """

    encoder: Sha256 | None = None
    dimensions: Literal[2, 3] = 2
    label: Several[LabelName] = Field(default=(), max_length=100)
    source: Several[Id] = Field(default=(), max_length=1000)
    most: Annotated[StrictInt, Field(ge=10, le=50_000)] = 10_000
    anew: StrictBool = False


class Chosen(Request):
    """Images of the map that are to be looked at."""

    image_ids: tuple[Id, ...] = Field(min_length=1, max_length=1000)
