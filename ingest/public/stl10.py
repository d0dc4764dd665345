"""STL-10 as image folders: 13,000 labelled and 100,000 unlabelled photos of 96x96 (Coates, Lee and Ng, 2011)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ingest.public.archive import extract
from ingest.public.download import Archive, ArchiveDamaged, DataError, Progress, SourceUnreachable, download
from ingest.public.folders import Pixels, Written, count_images, whole_folder, write_pictures

# The address and digest are those that torchvision uses.
ARCHIVE = Archive(
    "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz", "md5", "91f7769df0f17e558f3565bffb0c7dfb"
)
SIDE = 96
# The folder's name -> pictures, labels.
SPLITS = {
    "train": ("train_X.bin", "train_y.bin"),
    "test": ("test_X.bin", "test_y.bin"),
    "unlabeled": ("unlabeled_X.bin", None),
}
CLASS_NAMES = "class_names.txt"


def fetch(target: Path, *, local: Path | None = None, progress: Progress | None = None) -> Written:
    """`train/<label>/…`, `test/<label>/…` and `unlabeled/000/…`; a split that is there already is not made again.

    `local` is a copy of the archive, or the folder that holds its .bin files; of such a folder the splits that it
    has are written. Raises DataError.
    """
    if all((target / split).is_dir() for split in SPLITS):
        return Written(target, count_images(target))
    downloads = target.with_name(f"{target.name}.download")
    folder = _obtain(downloads, local=local, progress=progress)
    names = read_class_names(folder / CLASS_NAMES)
    for split, (pictures_file, labels_file) in SPLITS.items():
        if (target / split).is_dir() or not (folder / pictures_file).is_file():
            continue
        pictures = read_pictures(folder / pictures_file)
        labels = read_labels(folder / labels_file, classes=len(names)) if labels_file else None
        if labels is not None and len(labels) != len(pictures):
            raise ArchiveDamaged(f"{folder / pictures_file} holds {len(pictures)} photos, {labels_file} {len(labels)}")
        _write_split(pictures, labels, names=names, folder=target / split, progress=progress)
    shutil.rmtree(downloads, ignore_errors=True)
    if not (images := count_images(target)):
        raise DataError(f"{folder} holds none of {', '.join(files[0] for files in SPLITS.values())}")
    return Written(target, images)


def read_pictures(path: Path) -> Pixels:
    """(n, 96, 96, 3) uint8 view of a picture file, memory-mapped: the unlabelled one is 2.8 GB."""
    one = 3 * SIDE * SIDE
    size = path.stat().st_size
    if size == 0 or size % one:
        raise ArchiveDamaged(f"{path} has {size} bytes, which is not a whole number of {SIDE}x{SIDE} photos")
    # Stored channel first, each channel column by column.
    return np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, 3, SIDE, SIDE).transpose(0, 3, 2, 1)


def read_labels(path: Path, *, classes: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(n,) uint8 labels from 0; the file counts from 1."""
    try:
        labels = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise ArchiveDamaged(f"{path} cannot be read: {error.strerror}") from error
    if len(labels) == 0 or labels.min() < 1 or labels.max() > classes:
        raise ArchiveDamaged(f"{path} holds labels outside 1 to {classes}")
    return labels - np.uint8(1)


def read_class_names(path: Path) -> list[str]:
    """The class of each label, in order."""
    try:
        names = path.read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveDamaged(f"{path} cannot be read ({error}): give the whole archive or its folder") from error
    if not names or not all(name.isidentifier() for name in names):
        raise ArchiveDamaged(f"{path} is not a list of class names")
    return names


def _write_split(
    pictures: Pixels,
    labels: np.ndarray[Any, np.dtype[np.uint8]] | None,
    *,
    names: list[str],
    folder: Path,
    progress: Progress | None,
) -> None:
    """A folder per label, or per thousand where there are none."""

    def place(number: int) -> str:
        below = f"{number // 1000:03d}" if labels is None else names[labels[number]]
        return f"{below}/{number + 1:06d}.png"

    with whole_folder(folder) as part:
        write_pictures(pictures, part, place=place, what=f"Writing {folder.name} photos", progress=progress)


def _obtain(downloads: Path, *, local: Path | None, progress: Progress | None) -> Path:
    """The folder of .bin files: given, or unpacked from an archive that was given or fetched."""
    if local is not None and not local.exists():
        raise DataError(f"{local} does not exist: give the path of {ARCHIVE.name} or of the folder unpacked from it")
    if local is not None and local.is_dir():
        nested = next(local.rglob(CLASS_NAMES), None)
        return nested.parent if nested is not None else local
    try:
        archive = local or download(ARCHIVE, downloads, progress=progress)
    except SourceUnreachable as error:
        raise SourceUnreachable(
            f"STL-10 could not be fetched ({error}). Download {ARCHIVE.name} on a machine with the internet and give "
            "its path with --from."
        ) from error
    wanted = {name for files in SPLITS.values() for name in files if name} | {CLASS_NAMES}
    folder = downloads / "unpacked"
    extract(
        archive,
        place=lambda parts: folder / parts[-1] if parts and parts[-1] in wanted else None,
        what="Unpacking STL-10",
        progress=progress,
    )
    return folder
