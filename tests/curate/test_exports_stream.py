"""An export comes piece by piece and is the same as on disk; one that broke off is taken for whole by nobody."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from curate.exports import zip_writer
from curate.exports.export import export
from curate.exports.formats import Format
from curate.exports.sink import Pieces
from curate.exports.stream import LEFT_OUT, stream
from curate.exports.target import MARK
from curate.exports.zip_writer import ZipWriter
from curate.imports.imagefolder import import_imagefolder
from tests.curate.album import Album
from tests.curate.shelf import Shelf, fill, vectors, with_labels

TREES = (Format.IMAGEFOLDER, Format.HUGGINGFACE)


@pytest.fixture
def shelf(album: Album, tmp_path: Path) -> Shelf:
    return with_labels(fill(album, tmp_path / "photos"))


def streamed(shelf: Shelf, format: Format, *names: str) -> bytes:
    return b"".join(stream(shelf.album.ledger, shelf.album.store, labels=shelf.labels(*names), format=format))


def written(shelf: Shelf, format: Format, target: Path) -> None:
    export(shelf.album.ledger, shelf.album.store, labels=shelf.labels(), format=format, target=target)


@pytest.mark.parametrize("format", [one for one in Format if one not in TREES])
def test_a_file_has_the_bytes_of_the_one_on_disk(shelf: Shelf, tmp_path: Path, format: Format) -> None:
    vectors(shelf)
    written(shelf, format, tmp_path / "out")
    assert streamed(shelf, format) == (tmp_path / "out").read_bytes()


@pytest.mark.parametrize("format", TREES)
def test_an_archive_holds_the_tree_that_is_written_on_disk(shelf: Shelf, tmp_path: Path, format: Format) -> None:
    written(shelf, format, tmp_path / "out")
    with zipfile.ZipFile(io.BytesIO(streamed(shelf, format))) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    on_disk = (path for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert found == {path.relative_to(tmp_path / "out").as_posix(): path.read_bytes() for path in on_disk}


def test_an_archive_unpacked_is_imported(shelf: Shelf, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(streamed(shelf, Format.IMAGEFOLDER))) as archive:
        archive.extractall(tmp_path / "unpacked")
    done = import_imagefolder(shelf.album.ledger, tmp_path / "unpacked", author="anna")
    assert done.refused == 0


def test_a_photo_that_changed_or_went_is_left_out_and_named_in_the_archive(shelf: Shelf) -> None:
    shelf.paths[0].write_bytes(b"something else")
    shelf.paths[1].unlink()
    with zipfile.ZipFile(io.BytesIO(streamed(shelf, Format.IMAGEFOLDER, "plane"))) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        said = archive.read(LEFT_OUT).decode()
    assert len(names - {MARK, LEFT_OUT}) == 2
    assert said.startswith("2 images left out")
    assert all(ascii(path.name)[1:-1] in said for path in shelf.paths[:2])


@pytest.mark.parametrize("format", [one for one in Format if one is not Format.CSV])
def test_what_broke_off_is_no_whole_file(shelf: Shelf, format: Format) -> None:
    whole = streamed(shelf, format)
    for cut in (whole[: len(whole) // 2], whole[:-2]):
        with pytest.raises((zipfile.BadZipFile, json.JSONDecodeError, OSError, ValueError)):
            read(cut, format)
    read(whole, format)


def read(data: bytes, format: Format) -> None:
    if format in TREES:
        zipfile.ZipFile(io.BytesIO(data)).close()
    elif format is Format.PARQUET:
        import pyarrow.parquet

        pyarrow.parquet.read_table(io.BytesIO(data))
    else:
        json.loads(data)


def test_an_archive_past_the_small_limits_is_read_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_writer, "SMALL", 1000)  # as if a file of 1,000 bytes were one of 4 GiB
    monkeypatch.setattr(zip_writer, "LARGE", 3)
    entries = {f"é/{number}.bin": bytes([number]) * (300 + 501 * number) for number in range(5)}
    path = tmp_path / "large.zip"
    with path.open("xb") as sink:
        archive = ZipWriter(sink)
        for name, data in entries.items():
            if len(data) % 2:
                archive.add(name, data)
            else:
                assert list(archive.copy(name, io.BytesIO(data)))
        assert list(archive.finish())
    # Python reads the large fields only where the small ones hold their real limits.
    patched = path.read_bytes().replace(struct.pack("<I", 1000), struct.pack("<I", 0xFFFFFFFF))
    patched = patched[:-22] + patched[-22:].replace(struct.pack("<HH", 3, 3), struct.pack("<HH", 0xFFFF, 0xFFFF))
    with zipfile.ZipFile(io.BytesIO(patched)) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == entries


def test_many_entries_and_slow_readers_fill_no_memory() -> None:
    sink = Pieces()
    archive = ZipWriter(sink)  # type: ignore[arg-type]
    tracemalloc.start()
    try:
        for number in range(30_000):
            archive.add(f"a label/photo-{number}.jpg", b"x" * 100)
            sink.take()
        for _ in archive.finish():
            sink.take()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 << 20, "the directory of 30,000 entries has 2 MB: blocks of it are in memory, never a list"


def test_nothing_is_read_before_it_is_asked_for(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog import labelled

    monkeypatch.setattr(labelled, "IMAGES_AT_ONCE", 1)
    monkeypatch.setattr("curate.exports.stream.LEAST_BYTES", 1)
    pieces = stream(shelf.album.ledger, shelf.album.store, labels=shelf.labels(), format=Format.CSV)
    first = next(pieces)
    assert first.count(b"\n") == 2, "the head and one image"
    pieces.close()  # type: ignore[attr-defined]  # as a client that goes away
