"""What the answers about exports hold: their description; the tests compare real answers with it."""

from __future__ import annotations

from pydantic import BaseModel, RootModel


class ExportPlan(BaseModel):
    """`photo_bytes` are those of the photos in it, 0 where the format holds none."""

    file: str
    labels: int
    images: int
    decisions: int
    photo_bytes: int


class ExportFile(RootModel[bytes]):
    """A file, as application/octet-stream and piece by piece."""
