"""What the answers about exports hold: their description; the tests compare real answers with it."""

from __future__ import annotations

from pydantic import BaseModel, RootModel


class ExportPlan(BaseModel):
    """`labels` are those that a decision in it is about; `photo_bytes` of its photos, 0 where the format holds none."""

    file: str
    labels: int
    images: int
    decisions: int
    photo_bytes: int


class ExportFile(RootModel[bytes]):
    """A file, as application/octet-stream and piece by piece."""
