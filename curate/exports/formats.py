"""What can be written, and how photos get into a folder: the words of the command line."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """A format of an export."""

    IMAGEFOLDER = "imagefolder"
    CSV = "csv"
    COCO = "coco"
    PARQUET = "parquet"
    HUGGINGFACE = "huggingface"
    LABELSTUDIO = "labelstudio"


class Photos(StrEnum):
    """How a photo gets into a folder."""

    COPY = "copy"
    HARDLINK = "hardlink"
    SYMLINK = "symlink"
