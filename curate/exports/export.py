"""Writes the labels that are asked for in one of the formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from catalog.artifacts import ArtifactStore
from catalog.embedded import locate
from catalog.encoders import serving_encoder
from catalog.labelled import count_labelled, labelled_in_pages
from catalog.labels import Label, list_labels
from catalog.ledger import Ledger
from catalog.shards import vectors_of
from catalog.storage.pictures import PictureStorage
from curate.exports import coco, huggingface, imagefolder, labelstudio, parquet, spreadsheet
from curate.exports.formats import Format, Photos
from curate.exports.order import Exported, LabelToExport, Order, Vectors
from curate.exports.target import ExportRefused, new_file, new_folder
from curate.exports.tree import FolderTree

__all__ = ["ExportRefused", "Exported", "Format", "Photos", "chosen_labels", "export", "images_to_export"]


FILES: dict[Format, Callable[[Order, BinaryIO, Exported], Iterator[None]]] = {
    Format.CSV: spreadsheet.write,
    Format.COCO: coco.write,
    Format.PARQUET: parquet.write,
    Format.LABELSTUDIO: labelstudio.write,
}
TREES = {Format.IMAGEFOLDER: imagefolder, Format.HUGGINGFACE: huggingface}
# A tree of folders has no place for what a photo is not.
WITHOUT_REJECTED = (Format.IMAGEFOLDER, Format.COCO)


def chosen_labels(ledger: Ledger, names: Sequence[str]) -> list[Label]:
    """The labels of these names, all of them if none is named; ExportRefused for one that there is not."""
    labels = {row.label.name: row.label for row in list_labels(ledger)}
    for name in names:
        if name not in labels:
            raise ExportRefused(f"There is no label {name}: `ruiji export` without labels takes all that there are.")
    return [labels[name] for name in dict.fromkeys(names)] if names else list(labels.values())


def images_to_export(ledger: Ledger, labels: Iterable[Label], *, format: Format, rejected: bool) -> int:
    """How many images the export is about."""
    ids = [label.id for label in labels]
    return count_labelled(ledger, ids, rejected=rejected and format not in WITHOUT_REJECTED)


def export(
    ledger: Ledger,
    store: ArtifactStore,
    *,
    labels: Sequence[Label],
    format: Format,
    target: Path,
    photos: Photos = Photos.COPY,
    rejected: bool = False,
    overwrite: bool = False,
    storage: PictureStorage | None = None,
    progress: Callable[[int], None] = lambda images: None,
) -> Exported:
    """Write what is said of the labels to `target`, whole or not at all; `rejected` adds what photos are not.

    A page of images at a time is in memory. Raises ExportRefused, CatalogError, OSError.
    """
    order = order_of(
        ledger,
        store,
        labels=labels,
        format=format,
        rejected=rejected,
        scratch=target.parent,
        storage=storage,
        progress=progress,
    )
    done = Exported()
    if format in TREES:
        with new_folder(target, overwrite=overwrite, mark=TREES[format].mark(order)) as folder:
            exhaust(TREES[format].write(order, FolderTree(folder, photos=photos, storage=order.storage), done))
    else:
        with new_file(target, overwrite=overwrite) as partial, partial.open("xb") as sink:
            exhaust(FILES[format](order, sink, done))
    return done


def exhaust(steps: Iterator[None]) -> None:
    """Take every step of a writer, one after the other."""
    for _ in steps:
        pass


def order_of(
    ledger: Ledger,
    store: ArtifactStore,
    *,
    labels: Sequence[Label],
    format: Format,
    rejected: bool,
    scratch: Path | None = None,
    storage: PictureStorage | None = None,
    progress: Callable[[int], None] = lambda images: None,
) -> Order:
    """What to write; nothing of it is read yet."""
    ids = [label.id for label in labels]
    return Order(
        labels=tuple(LabelToExport(label.name, label.colour, label.group) for label in labels),
        pages=labelled_in_pages(ledger, ids, rejected=rejected and format not in WITHOUT_REJECTED),
        vectors=_vectors(ledger, store) if format is Format.PARQUET else None,
        scratch=scratch,
        storage=storage or PictureStorage(),
        progress=progress,
    )


def _vectors(ledger: Ledger, store: ArtifactStore) -> Vectors | None:
    encoder = serving_encoder(ledger)
    if encoder is None:
        return None
    encoder_id = encoder.id

    def of(image_ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        return vectors_of(store, locate(ledger, encoder_id=encoder_id, image_ids=image_ids))

    return Vectors(encoder_id, encoder.dimension, of)
