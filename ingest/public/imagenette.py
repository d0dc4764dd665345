"""Imagenette as image folders: 13,394 photos in ten easily told classes of ImageNet (Howard, 2019)."""

from __future__ import annotations

import shutil
from pathlib import Path

from ingest.public.archive import extract
from ingest.public.download import Archive, ArchiveDamaged, DataError, Progress, SourceUnreachable, download
from ingest.public.folders import SUFFIXES, Written, count_images, whole_folder

# The 160-px edition; the address and digest are those that torchvision uses.
ARCHIVE = Archive(
    "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-160.tgz", "md5", "e793b78cc4c9e9a4ccc0c1155377a412"
)
LABELS = {
    "n01440764": "tench",
    "n02102040": "english_springer",
    "n02979186": "cassette_player",
    "n03000684": "chain_saw",
    "n03028079": "church",
    "n03394916": "french_horn",
    "n03417042": "garbage_truck",
    "n03425413": "gas_pump",
    "n03445777": "golf_ball",
    "n03888257": "parachute",
}
SPLITS = ("train", "val")


def fetch(target: Path, *, local: Path | None = None, progress: Progress | None = None) -> Written:
    """All photos as `train/<label>/…` and `val/<label>/…`, their bytes untouched; what is there is not made again.

    `local` is a copy of the archive (any edition, with WordNet's or plain label names). Raises DataError.
    """
    if all((target / split).is_dir() for split in SPLITS):
        return Written(target, count_images(target))
    downloads = target.with_name(f"{target.name}.download")
    archive = _obtain(downloads, local=local, progress=progress)
    with whole_folder(target / ".unpacked") as folder:
        found = extract(
            archive, place=lambda parts: _place(folder, parts), what="Unpacking Imagenette", progress=progress
        )
        if not found or not all((folder / split).is_dir() for split in SPLITS):
            raise ArchiveDamaged(f"{archive} holds no train/<label>/ and val/<label>/ photos: it is not Imagenette")
        for split in SPLITS:
            if not (target / split).is_dir():
                (folder / split).rename(target / split)
    shutil.rmtree(target / ".unpacked", ignore_errors=True)
    shutil.rmtree(downloads, ignore_errors=True)
    return Written(target, count_images(target))


def _obtain(downloads: Path, *, local: Path | None, progress: Progress | None) -> Path:
    """The archive, given or fetched."""
    if local is not None:
        if not local.is_file():
            raise DataError(f"{local} is not a file: give the path of {ARCHIVE.name} or of another edition of it")
        return local
    try:
        return download(ARCHIVE, downloads, progress=progress)
    except SourceUnreachable as error:
        raise SourceUnreachable(
            f"Imagenette could not be fetched ({error}). Download {ARCHIVE.name} on a machine with the internet and "
            "give its path with --from."
        ) from error


def _place(folder: Path, parts: tuple[str, ...]) -> Path | None:
    """Where a member `…/split/label/name` goes; None for anything else."""
    if len(parts) < 3 or parts[-3] not in SPLITS or not parts[-1].lower().endswith(SUFFIXES):
        return None
    return folder / parts[-3] / LABELS.get(parts[-2], parts[-2]) / parts[-1]
