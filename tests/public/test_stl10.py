"""STL-10's binary files, written here in its format and read back."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ingest.public import stl10
from ingest.public.download import Archive, ArchiveDamaged, DataError
from tests.photos import scene

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, Pixels]:
    """A folder in the published form with two classes, and its pictures."""
    pictures = np.stack([np.asarray(scene("grass", seed)) for seed in range(4)])
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    for split in ("train", "test", "unlabeled"):
        # Channel first, each channel column by column.
        pictures.transpose(0, 3, 2, 1).tofile(folder / f"{split}_X.bin")
    for split in ("train", "test"):
        np.array([1, 2, 2, 1], dtype=np.uint8).tofile(folder / f"{split}_y.bin")
    (folder / "class_names.txt").write_text("airplane\nbird\n")
    return folder, pictures


def test_pictures_and_labels_come_back(published: tuple[Path, Pixels], tmp_path: Path) -> None:
    folder, pictures = published
    written = stl10.fetch(tmp_path / "out", local=folder)
    assert written.images == 12
    names = ["train/bird/000002.png", "test/airplane/000004.png", "unlabeled/000/000003.png"]
    for name, number in zip(names, (1, 3, 2), strict=True):
        with Image.open(tmp_path / "out" / name) as picture:
            assert np.array_equal(np.asarray(picture), pictures[number])


def test_an_archive_is_unpacked(published: tuple[Path, Pixels], tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "stl10_binary.tar.gz", "w:gz") as tar:
        tar.add(published[0], arcname="stl10_binary")
    assert stl10.fetch(tmp_path / "out", local=tmp_path / "stl10_binary.tar.gz").images == 12
    assert not (tmp_path / "out.download").exists()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("train_X.bin", b"\0" * 1000, "whole number"),
        ("train_X.bin", b"", "whole number"),
        ("train_y.bin", b"\1\2\3\1", "outside 1 to 2"),
        ("train_y.bin", b"\1\2", "train_y"),
        ("class_names.txt", b"../../airplane\nbird\n", "class names"),
        ("class_names.txt", b"\xff\xfe", "class_names"),
    ],
)
def test_damage_is_named(
    published: tuple[Path, Pixels], tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (published[0] / name).write_bytes(content)
    with pytest.raises(ArchiveDamaged, match=reason):
        stl10.fetch(tmp_path / "out", local=published[0])


def test_out_of_reach_or_empty_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stl10, "ARCHIVE", Archive("http://127.0.0.1:9/stl10_binary.tar.gz", "md5", "0"))
    with pytest.raises(DataError, match=r"stl10_binary\.tar\.gz.*--from"):
        stl10.fetch(tmp_path / "out")
    with pytest.raises(DataError, match=r"class_names\.txt"):
        stl10.fetch(tmp_path / "out", local=tmp_path)
