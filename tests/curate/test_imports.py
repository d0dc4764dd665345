"""Labels of other programs are taken over where nobody here has said otherwise, and what they mean is found."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from catalog.images import delete_images
from catalog.labels import batches, ensure_label, list_labels, states, undo
from curate.exports.export import export
from curate.exports.formats import Format
from curate.imports.imagefolder import import_imagefolder
from curate.imports.spreadsheet import import_csv
from curate.imports.taking import Imported, ImportRefused
from tests.curate.album import Album
from tests.curate.shelf import Shelf, fill, with_labels


@pytest.fixture
def shelf(album: Album, tmp_path: Path) -> Shelf:
    return fill(album, tmp_path / "photos")


def seen(shelf: Shelf) -> dict[int, dict[str, tuple[str, str]]]:
    found = states(shelf.album.ledger, shelf.ids)
    return {image: {one.name: (one.state, one.origin) for one in said} for image, said in found.items()}


def read(shelf: Shelf, path: Path, text: str) -> Imported:
    path.write_text(text, encoding="utf-8")
    return import_csv(shelf.album.ledger, path, author="wei")


def test_rows_name_images_by_hash_path_or_id(shelf: Shelf, tmp_path: Path) -> None:
    import hashlib

    sha256 = hashlib.sha256(shelf.paths[0].read_bytes()).hexdigest()
    text = (
        "image_id,sha256,path,label,state\n"
        f",{sha256.upper()},,plane,yes\n"
        f",,{shelf.paths[1]},plane,no\n"
        ",,other/one.jpg,plane,\n"
        f"{shelf.ids[3]},,,plane,YES\n"
        f"{shelf.ids[4]},{'0' * 64},,plane,yes\n"
        "4711,,,plane,yes\n"
        "\n"
        ",,,plane,yes\n"
        f"{shelf.ids[5]},,,plane,maybe\n"
        f'{shelf.ids[5]},,,"two\nlines",yes\n'
        f"{shelf.ids[5]},x'] or 1,,plane,yes\n"
    )
    done = read(shelf, tmp_path / "in.csv", text)
    assert (done.rows, done.applied, done.unchanged, done.unknown, done.refused) == (10, 4, 0, 3, 3)
    assert done.unknown_named[0] == f"row 6: {'0' * 64}", "an id counts in one catalog only, a hash everywhere"
    assert [name.partition(":")[0] for name in done.refused_named] == ["row 9", "row 10", "row 12"]
    ids = shelf.ids
    assert seen(shelf) == {
        ids[0]: {"plane": ("yes", "import")},
        ids[1]: {"plane": ("no", "import")},
        ids[2]: {"plane": ("yes", "import")},
        ids[3]: {"plane": ("yes", "import")},
    }
    again = import_csv(shelf.album.ledger, tmp_path / "in.csv", author="wei")
    assert (again.applied, again.unchanged, again.batches) == (0, 4, [])
    assert batches(shelf.album.ledger, 1)[0].kind == "import"
    undo(shelf.album.ledger, done.batches[0], author="wei", key="u")
    assert seen(shelf) == {}


def test_a_person_is_not_overruled(shelf: Shelf, tmp_path: Path) -> None:
    shelf.album.decide("plane", [shelf.ids[0]], "no")
    ensure_label(shelf.album.ledger, "car", group="vehicle")
    ensure_label(shelf.album.ledger, "ship", group="vehicle")
    shelf.album.decide("car", [shelf.ids[1]])
    rows = [f"{shelf.ids[0]},plane", f"{shelf.ids[1]},ship", f"{shelf.ids[2]},ship"]
    done = read(shelf, tmp_path / "in.csv", "\n".join(["id;label".replace(";", ","), *rows]))
    assert (done.applied, done.unchanged) == (1, 2)
    assert seen(shelf)[shelf.ids[0]] == {"plane": ("no", "person")}
    assert seen(shelf)[shelf.ids[1]] == {"car": ("yes", "person")}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_an_export_wrote_is_read_back(shelf: Shelf, tmp_path: Path, separator: str) -> None:
    ledger, store = shelf.album.ledger, shelf.album.store
    with_labels(shelf)
    before = seen(shelf)
    labels = shelf.labels()
    export(ledger, store, labels=labels, format=Format.CSV, target=tmp_path / "out.csv", rejected=True)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as source:
        cells = list(csv.reader(source))
    with (tmp_path / "other.csv").open("w", encoding="utf-8-sig", newline="") as sink:
        csv.writer(sink, delimiter=separator).writerows(cells)
    for batch in [one.id for one in batches(ledger, 100)]:
        undo(ledger, batch, author="wei", key=f"u{batch}")
    assert seen(shelf) == {}
    done = import_csv(ledger, tmp_path / "other.csv", author="wei")
    assert (done.applied, done.unknown, done.refused) == (10, 0, 0)
    assert seen(shelf) == {
        image: {label: (state, "import") for label, (state, _) in said.items()} for image, said in before.items()
    }


def test_an_imagefolder_is_read_back_whatever_its_labels_are_called(shelf: Shelf, tmp_path: Path) -> None:
    ledger, store = shelf.album.ledger, shelf.album.store
    with_labels(shelf)
    export(ledger, store, labels=shelf.labels(), format=Format.IMAGEFOLDER, target=tmp_path / "out")
    before = {
        image: {name for name, (state, _) in said.items() if state == "yes"} for image, said in seen(shelf).items()
    }
    for batch in [one.id for one in batches(ledger, 100)]:
        undo(ledger, batch, author="wei", key=f"u{batch}")
    stranger = tmp_path / "out" / "bird" / "deep" / "new.jpg"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"nobody knows this one")
    shutil.copy(shelf.paths[7], stranger.parent / "known.JPG")
    shutil.copy(shelf.paths[7], tmp_path / "out" / "loose.jpg")
    (tmp_path / "out" / "bird" / "notes.txt").write_text("not a photo")
    counts: list[int] = []
    done = import_imagefolder(ledger, tmp_path / "out", author="wei", progress=counts.append)
    assert (done.rows, done.applied, done.unknown, done.refused) == (12, 10, 1, 1)
    assert (done.unknown_named, sum(counts)) == ([ascii(str(stranger))], 12)
    after = {
        image: {name for name, (state, _) in said.items() if state == "yes"} for image, said in seen(shelf).items()
    }
    assert after == before | {shelf.ids[7]: {"bird"}}


def test_a_deleted_image_is_not_labelled(shelf: Shelf, tmp_path: Path) -> None:
    delete_images(shelf.album.ledger, [shelf.ids[0]])
    done = read(shelf, tmp_path / "in.csv", f"image_id,label\n{shelf.ids[0]},plane\n")
    assert (done.applied, done.unknown) == (0, 1)
    assert list_labels(shelf.album.ledger) == [], "no label is made for nothing"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "first row"),
        (b"a,b\n1,2\n", "first row"),
        (b"label\nplane\n", "first row"),
        (b"image_id,label\n1,caf\xe9\n", "UTF-8"),
        (b'image_id,label\n1,"open\n', "CSV"),
        (b"image_id,label\n1," + b"x" * 200_000 + b"\n", "CSV"),
        (b"\xff\xd8\xff\xe0 a photo", "UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused(shelf: Shelf, tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "in.csv").write_bytes(data)
    with pytest.raises(ImportRefused, match=said):
        import_csv(shelf.album.ledger, tmp_path / "in.csv", author="wei")
    assert batches(shelf.album.ledger, 1) == []


def test_a_folder_without_photos_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportRefused, match="no photos"):
        import_imagefolder(shelf.album.ledger, tmp_path / "empty", author="wei")
