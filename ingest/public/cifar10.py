"""CIFAR-10 as image folders: 60,000 photos of 32x32 in ten classes (Krizhevsky, 2009)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ingest.public.cifar10_source import BATCHES, Batch, obtain, read_batch, unpack
from ingest.public.download import Progress
from ingest.public.folders import Written, count_images, whole_folder, write_pictures

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def fetch(target: Path, *, local: Path | None = None, progress: Progress | None = None) -> Written:
    """All 60,000 photos as `train/<label>/00001.png` and `test/<label>/…`; what is there already is not made again.

    `local` is a copy of either archive, or a folder that holds one unpacked. Raises DataError.
    """
    missing = [split for split in ("train", "test") if not (target / split).is_dir()]
    if missing:
        with published(target, local=local, progress=progress) as unpacked:
            for split in missing:
                names = BATCHES[:5] if split == "train" else BATCHES[5:]
                _write_split([read_batch(unpacked, name) for name in names], target / split, progress)
    return Written(target, count_images(target))


@contextmanager
def published(target: Path, *, local: Path | None, progress: Progress | None) -> Iterator[Path]:
    """The unpacked archive; what was fetched for it goes when all has been written, and stays when it has not."""
    downloads = target.with_name(f"{target.name}.download")
    archive = obtain(downloads, local=local, progress=progress)
    yield unpack(archive, downloads / "unpacked", progress=progress)
    shutil.rmtree(downloads, ignore_errors=True)


def _write_split(batches: list[Batch], folder: Path, progress: Progress | None) -> None:
    """`<label>/00001.png`, numbered by the published order."""
    labels = np.concatenate([batch.labels for batch in batches])
    with whole_folder(folder) as part:
        write_pictures(
            np.concatenate([batch.pictures for batch in batches]),
            part,
            place=lambda i: f"{LABELS[labels[i]]}/{i + 1:05d}.png",
            what=f"Writing {folder.name} photos",
            progress=progress,
        )
