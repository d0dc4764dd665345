"""Imagenette from local copies of its archive, in both namings."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from ingest.public import imagenette
from ingest.public.download import Archive, ArchiveDamaged, DataError
from tests.photos import jpeg, scene


def write_archive(path: Path, names: list[str]) -> Path:
    """An archive with a photo under each name."""
    with tarfile.open(path, "w:gz") as tar:
        for seed, name in enumerate(names):
            content = jpeg(scene("sky", seed, side=16))
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(("top", "label"), [("imagenette2-160", "n01440764"), ("imagenette96", "tench")])
def test_writes_plain_label_names(tmp_path: Path, top: str, label: str) -> None:
    names = [f"{top}/{split}/{label}/{number}.JPEG" for split in ("train", "val") for number in range(3)]
    archive = write_archive(tmp_path / "a.tgz", [*names, f"{top}/noisy_imagenette.csv"])
    written = imagenette.fetch(tmp_path / "out", local=archive)
    assert written.images == 6
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.JPEG"))
    assert found == [f"{split}/tench/{number}.JPEG" for split in ("train", "val") for number in range(3)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["train", "val"]
    assert imagenette.fetch(tmp_path / "out", local=tmp_path / "gone").images == 6


def test_another_archive_is_refused(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.tgz", ["cats/1.jpg"])
    with pytest.raises(ArchiveDamaged, match="not Imagenette"):
        imagenette.fetch(tmp_path / "out", local=archive)
    with pytest.raises(DataError, match="not a file"):
        imagenette.fetch(tmp_path / "out", local=tmp_path / "missing.tgz")


def test_out_of_reach_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenette, "ARCHIVE", Archive("http://127.0.0.1:9/imagenette2-160.tgz", "md5", "0"))
    with pytest.raises(DataError, match=r"imagenette2-160\.tgz.*--from"):
        imagenette.fetch(tmp_path / "out")
