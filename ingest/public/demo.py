"""The demo's photos: CIFAR-10's test photos unlabelled, a few labelled ones, and some to search with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ingest.public.cifar10 import LABELS, published
from ingest.public.cifar10_source import Batch, read_batch
from ingest.public.download import Progress
from ingest.public.folders import Written, count_images, whole_folder, write_pictures

LABELLED_PER_CLASS = 100
SAMPLES_PER_CLASS = 2
PARTS = ("unlabelled", "labelled", "samples")


def fetch(target: Path, *, local: Path | None = None, progress: Progress | None = None) -> Written:
    """Three folders, filled in the published order of the photos; a folder that is there is not made again.

    `unlabelled/` holds the 10,000 test photos, named by number alone and in no folder that a label could be read
    from; `labelled/<label>/` the first 100 of each class of the first training batch; `samples/` the two after them.
    """
    parts = {name: target / name for name in PARTS}
    if not all(folder.is_dir() for folder in parts.values()):
        with published(target, local=local, progress=progress) as unpacked:
            _write_unlabelled(read_batch(unpacked, "test_batch"), parts["unlabelled"], progress)
            train = read_batch(unpacked, "data_batch_1")
        _write_examples(train, parts["labelled"], first=0, count=LABELLED_PER_CLASS, name="{label}/{number:03d}.png")
        last = LABELLED_PER_CLASS
        _write_examples(train, parts["samples"], first=last, count=SAMPLES_PER_CLASS, name="{label}-{number}.png")
    return Written(target, sum(count_images(folder) for folder in parts.values()))


def _write_unlabelled(batch: Batch, folder: Path, progress: Progress | None) -> None:
    """All in one folder, named by number."""
    if folder.is_dir():
        return
    with whole_folder(folder) as part:
        write_pictures(
            batch.pictures,
            part,
            place=lambda i: f"{i + 1:05d}.png",
            what="Writing unlabelled photos",
            progress=progress,
        )


def _write_examples(batch: Batch, folder: Path, *, first: int, count: int, name: str) -> None:
    """`count` photos of each class, from the class's `first` on; `name` is a format of label and number."""
    if folder.is_dir():
        return
    with whole_folder(folder) as part:
        for index, label in enumerate(LABELS):
            chosen = np.flatnonzero(batch.labels == index)[first : first + count]
            write_pictures(
                batch.pictures[chosen],
                part,
                place=lambda i, label=label: name.format(label=label, number=i + 1),  # type: ignore[misc]
                what="Writing labelled photos",
            )
