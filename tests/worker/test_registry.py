"""An encoder is taken in whole and checked, as a folder or as the zip of an export; nothing else comes along."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from bench.other_encoder import renamed
from catalog.artifacts import ArtifactStore
from catalog.encoder_files import FILES, EncoderIncomplete, archive, archive_name, check_files
from catalog.encoders import list_encoders
from catalog.ledger import Ledger
from encoder.folder import EncoderError, verify
from worker.registry import register_checked, register_encoder


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return renamed(tmp_path / "given", "a new/one")


def test_a_folder_is_kept_under_its_id_without_what_is_no_part_of_it(
    ledger: Ledger, store: ArtifactStore, folder: Path
) -> None:
    (folder / "checkpoint.pt").write_bytes(b"\x80\x04a pickle")
    (folder / "sub").mkdir()
    encoder = register_encoder(ledger, store, folder)
    assert encoder.id == verify(folder).id
    assert sorted(store.list("encoders")) == sorted(f"encoders/{encoder.id}/{name}" for name in FILES)
    for name in FILES:
        assert store.get(f"{encoder.folder}/{name}") == (folder / name).read_bytes()
    assert register_encoder(ledger, store, folder) == register_checked(ledger, store, folder) == encoder
    assert len(list_encoders(ledger)) == 1


def test_files_that_the_store_has_lost_are_named_and_put_back(
    ledger: Ledger, store: ArtifactStore, folder: Path
) -> None:
    encoder = register_encoder(ledger, store, folder)
    check_files(store, encoder)
    store.delete(f"{encoder.folder}/model.onnx")
    with pytest.raises(EncoderIncomplete, match=r"lost model\.onnx of a new/one"):
        check_files(store, encoder)
    with pytest.raises(EncoderIncomplete):
        archive(store, encoder)
    register_checked(ledger, store, folder)
    check_files(store, encoder)


def test_what_is_given_out_is_taken_in_elsewhere(
    ledger: Ledger, store: ArtifactStore, folder: Path, tmp_path: Path
) -> None:
    encoder = register_encoder(ledger, store, folder)
    assert archive_name(encoder) == f"a-new-one-{encoder.id[:12]}"
    packed = tmp_path / "out.zip"
    packed.write_bytes(b"".join(archive(store, encoder)))
    assert packed.read_bytes() == b"".join(archive(store, encoder))
    with zipfile.ZipFile(packed) as opened:
        assert opened.testzip() is None
        assert sorted(opened.namelist()) == sorted(f"{archive_name(encoder)}/{name}" for name in FILES)
        assert json.loads(opened.read(f"{archive_name(encoder)}/metrics.json")) == encoder.metrics
    other = Ledger.open(f"sqlite:///{tmp_path}/other.db")
    elsewhere = ArtifactStore(tmp_path / "elsewhere")
    taken = register_encoder(other, elsewhere, packed)
    assert (taken.id, taken.config, taken.metrics) == (encoder.id, encoder.config, encoder.metrics)
    assert elsewhere.get(f"{taken.folder}/model.safetensors") == (folder / "model.safetensors").read_bytes()
    other.close()


def refused(ledger: Ledger, store: ArtifactStore, path: Path) -> str:
    with pytest.raises(EncoderError) as error:
        register_encoder(ledger, store, path)
    assert list_encoders(ledger) == []
    assert list(store.list("encoders")) == []
    return str(error.value)


@pytest.mark.parametrize("name", ["model.safetensors", "model.onnx", "config.json", "metrics.json"])
def test_a_folder_with_a_missing_file_or_a_link_is_refused(
    ledger: Ledger, store: ArtifactStore, folder: Path, tmp_path: Path, name: str
) -> None:
    (folder / name).rename(tmp_path / "moved")
    assert str(folder / name) in refused(ledger, store, folder)
    (folder / name).symlink_to(tmp_path / "moved")
    assert "not a plain file" in refused(ledger, store, folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)  # to open it for reading must not wait for ever
    assert "not a plain file" in refused(ledger, store, folder)


def test_a_changed_file_is_refused_under_the_name_that_was_given(
    ledger: Ledger, store: ArtifactStore, folder: Path
) -> None:
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    said = refused(ledger, store, folder)
    assert str(folder / "model.safetensors") in said
    assert "ruiji-encoder-" not in said


@pytest.mark.parametrize("kind", ["not a zip", "cut short", "empty", "twice", "outside"])
def test_a_zip_that_is_no_encoder_is_refused(
    ledger: Ledger, store: ArtifactStore, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    # Unpacked so far down that a name which led out would still end in this test's folder.
    deep = tmp_path / "unpacked" / "here"
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as writer:
        for name in FILES if kind != "empty" else ():
            writer.write(folder / name, f"../../{name}" if kind == "outside" else f"e/{name}")
        if kind == "twice":
            writer.writestr("other/config.json", "{}")
    if kind == "not a zip":
        packed.write_bytes(b"hello")
    if kind == "cut short":
        packed.write_bytes(packed.read_bytes()[:-50])
    if kind == "outside":  # names lead nowhere: the files are taken, and nothing is written beside the copy
        before = {path for path in tmp_path.rglob("*") if path.is_file()}
        assert register_encoder(ledger, store, packed).id == verify(folder).id
        written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
        assert written
        assert all("artifacts" in path.parts or path.name.startswith("ledger.db") for path in written)
    else:
        assert str(packed) in refused(ledger, store, packed)


def test_more_than_an_encoder_can_be_is_refused(
    ledger: Ledger, store: ArtifactStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.registry.LARGEST_BYTES", 1 << 20)
    assert "that is no encoder" in refused(ledger, store, folder)


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_damaged_inside_is_refused_however_it_was_packed(
    ledger: Ledger, store: ArtifactStore, tmp_path: Path, packing: int
) -> None:
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w", packing) as writer:
        for name in FILES:
            writer.writestr(name, Random(name).randbytes(2000))
    data = bytearray(packed.read_bytes())
    data[48:400] = b"\xff" * 352
    packed.write_bytes(data)
    assert f"{packed} cannot be unpacked" in refused(ledger, store, packed)
