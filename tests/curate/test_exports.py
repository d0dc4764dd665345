"""Every export is opened by the program that it is for, holds what the ledger says, and harms nothing."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections import defaultdict
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest

from catalog import tables
from catalog.images import delete_images
from curate.exports.export import Exported, ExportRefused, chosen_labels, export, images_to_export
from curate.exports.formats import Format, Photos
from curate.exports.names import folder_names, safe_name
from curate.exports.spreadsheet import protected, unprotected
from tests.curate.album import ENCODER, Album
from tests.curate.shelf import NAMES, Shelf, fill, vectors, with_labels

FOLDERS = (Format.IMAGEFOLDER, Format.HUGGINGFACE)
FORMULA = '=HYPERLINK("x")'


@pytest.fixture
def shelf(album: Album, tmp_path: Path) -> Shelf:
    return with_labels(fill(album, tmp_path / "photos"))


def write(shelf: Shelf, format: Format, target: Path, *names: str, **options: object) -> Exported:
    labels = shelf.labels(*names)
    return export(shelf.album.ledger, shelf.album.store, labels=labels, format=format, target=target, **options)  # type: ignore[arg-type]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_torchvision_opens_the_imagefolder(shelf: Shelf, tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    done = write(shelf, Format.IMAGEFOLDER, tmp_path / "out")
    assert (done.images, done.labels, done.missing) == (7, 9, 0)
    opened = ImageFolder(str(tmp_path / "out"))
    found = defaultdict(set)
    for path, index in opened.samples:
        found[opened.classes[index]].add(digest(Path(path)))
    hashes = [digest(path) for path in shelf.paths]
    assert set(map(frozenset, found.values())) == {
        frozenset(hashes[:4]),
        frozenset(hashes[2:5]),
        frozenset(hashes[5:6]),
        frozenset(hashes[6:7]),
    }
    assert len({name.casefold() for name in opened.classes}) == 4, "plane and Plane, where that is one name"
    assert all(picture.size == (96, 96) for picture, _ in opened)
    for path in (tmp_path / "out").rglob("*"):
        name = os.fsencode(path.name)
        assert name.decode().isprintable() and not name.startswith(b"-")
        assert path.resolve().is_relative_to(tmp_path / "out")
    assert not (tmp_path / "etc").exists()


@pytest.mark.parametrize("photos", [Photos.HARDLINK, Photos.SYMLINK])
def test_photos_are_linked(shelf: Shelf, tmp_path: Path, photos: Photos) -> None:
    write(shelf, Format.IMAGEFOLDER, tmp_path / "out", "plane", photos=photos)
    written = sorted((tmp_path / "out" / "plane").iterdir(), key=lambda path: int(path.stem.rpartition("-")[2]))
    assert [path.samefile(photo) for path, photo in zip(written, shelf.paths[:4], strict=True)] == [True] * 4
    assert {path.is_symlink() for path in written} == {photos is Photos.SYMLINK}


@pytest.mark.parametrize("photos", list(Photos))
def test_a_photo_that_changed_or_went_is_left_out_and_named(shelf: Shelf, tmp_path: Path, photos: Photos) -> None:
    shelf.paths[0].write_bytes(b"something else")
    shelf.paths[1].unlink()
    done = write(shelf, Format.IMAGEFOLDER, tmp_path / "out", "plane", photos=photos)
    assert (done.images, done.missing) == (2, 2)
    assert [name.rpartition("/")[2] for name in done.missing_named] == ["one.jpg'", "two.jpg'"]
    assert len(list((tmp_path / "out" / "plane").iterdir())) == 2


def test_a_spreadsheet_runs_nothing_and_the_csv_holds_all(shelf: Shelf, tmp_path: Path) -> None:
    done = write(shelf, Format.CSV, tmp_path / "out.csv", rejected=True)
    assert (done.images, done.labels) == (7, 10)
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    assert not [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@\t\r"))]
    said = {(int(row["image_id"]), unprotected(row["label"]), row["state"]) for row in rows}
    ids = shelf.ids
    planes = {(image, "plane", "yes") for image in ids[:4]} | {(ids[4], "plane", "no")}
    others = {(image, FORMULA, "yes") for image in ids[2:5]} | {(ids[5], "../../etc", "yes"), (ids[6], "Plane", "yes")}
    assert said == planes | others
    by_id = {int(row["image_id"]): row for row in rows}
    assert unprotected(by_id[ids[3]]["path"]) == str(shelf.paths[3])
    assert by_id[ids[4]]["path"].endswith('caf\\xe9 "quoted"\nline.jpg')
    assert {row["origin"] for row in rows} == {"person"}


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "\t=1", "'=1", "''+1", " =1", "＝1", "'", "it's", "a=b", ""]
)
def test_a_protected_cell_comes_back_as_it_was(cell: str) -> None:
    assert unprotected(protected(cell)) == cell
    assert protected(cell)[:1] not in set("=+-@\t＝")


def test_coco_has_a_whole_photo_for_each_label(shelf: Shelf, tmp_path: Path) -> None:
    write(shelf, Format.COCO, tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    names = {one["id"]: one["name"] for one in found["categories"]}
    assert {one["name"]: one["supercategory"] for one in found["categories"]}["plane"] == "vehicle"
    images = {one["id"]: one for one in found["images"]}
    assert sorted(images) == shelf.ids[:7]
    assert [one["id"] for one in found["annotations"]] == list(range(1, 10))
    planes = {one["image_id"] for one in found["annotations"] if names[one["category_id"]] == "plane"}
    assert planes == set(shelf.ids[:4])
    for one in found["annotations"]:
        image = images[one["image_id"]]
        assert one["bbox"] == [0, 0, image["width"], image["height"]]
        assert one["area"] == image["width"] * image["height"] and one["iscrowd"] == 0


def test_pycocotools_opens_it(shelf: Shelf, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    write(shelf, Format.COCO, tmp_path / "out.json")
    opened = COCO(str(tmp_path / "out.json"))
    assert sorted(opened.getImgIds(catIds=opened.getCatIds(catNms=["plane"]))) == shelf.ids[:4]


def test_pyarrow_opens_the_parquet_with_its_vectors(shelf: Shelf, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    with shelf.album.ledger.write() as connection:
        connection.execute(tables.embedding.delete().where(tables.embedding.c.image_id == shelf.ids[1]))
    write(shelf, Format.PARQUET, tmp_path / "out.parquet", "plane", FORMULA, rejected=True)
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.metadata[b"ruiji.encoder"] == ENCODER.encode()
    rows = table.to_pylist()
    assert [row["image_id"] for row in rows] == shelf.ids[:5]
    assert rows[2]["labels"] == [FORMULA, "plane"]
    assert (rows[4]["labels"], rows[4]["rejected"]) == ([FORMULA], ["plane"])
    assert rows[1]["vector"] is None
    wanted = vectors(shelf)
    for row, vector in zip(rows, wanted[:5], strict=True):
        if row["vector"] is not None:
            assert np.array_equal(np.array(row["vector"], np.float32), vector)


def test_parquet_without_an_encoder_has_no_vectors(shelf: Shelf, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    with shelf.album.ledger.write() as connection:
        connection.execute(tables.serving.delete())
    write(shelf, Format.PARQUET, tmp_path / "out.parquet")
    assert "vector" not in pq.read_table(tmp_path / "out.parquet").column_names


def test_the_metadata_of_a_hugging_face_imagefolder_name_files_that_are_there(shelf: Shelf, tmp_path: Path) -> None:
    write(shelf, Format.HUGGINGFACE, tmp_path / "out", rejected=True)
    split = tmp_path / "out" / "train"
    rows = [json.loads(line) for line in (split / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["image_id"] for row in rows] == shelf.ids[:7]
    assert all(digest(split / row["file_name"]) == row["sha256"] for row in rows)
    assert (rows[0]["label"], rows[2]["label"], rows[2]["labels"]) == ("plane", None, [FORMULA, "plane"])
    assert (rows[4]["label"], rows[4]["rejected"]) == (FORMULA, ["plane"])


def test_label_studio_gets_a_task_for_each_photo(shelf: Shelf, tmp_path: Path) -> None:
    write(shelf, Format.LABELSTUDIO, tmp_path / "out.json")
    tasks = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [task["data"]["image_id"] for task in tasks] == shelf.ids[:7]
    for task, path in zip(tasks, shelf.paths[:7], strict=True):
        address = task["data"]["image"].partition("?d=")
        assert address[0] == "/data/local-files/"
        assert b"/" + unquote_to_bytes(address[2]) == os.fsencode(path)
    result = tasks[2]["annotations"][0]["result"][0]
    assert (result["type"], result["value"]) == ("choices", {"choices": [FORMULA, "plane"]})


@pytest.mark.parametrize("format", list(Format))
def test_nothing_is_written_over(shelf: Shelf, tmp_path: Path, format: Format) -> None:
    target = tmp_path / "out"
    write(shelf, format, target, "plane")
    before = target.stat()
    with pytest.raises(ExportRefused, match="--overwrite"):
        write(shelf, format, target, "plane")
    assert target.stat().st_mtime_ns == before.st_mtime_ns
    delete_images(shelf.album.ledger, shelf.ids[:3])
    assert write(shelf, format, target, "plane", overwrite=True).images == 1
    with pytest.raises(ExportRefused, match="no such folder"):
        write(shelf, format, tmp_path / "nowhere" / "out", "plane")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == [], "no rests"


@pytest.mark.parametrize("format", list(Format))
def test_a_folder_of_a_persons_photos_is_never_replaced(shelf: Shelf, format: Format) -> None:
    with pytest.raises(ExportRefused):
        write(shelf, format, shelf.root, "plane", overwrite=True)
    assert all(path.exists() for path in shelf.paths)


@pytest.mark.parametrize("format", list(Format))
def test_an_export_that_breaks_off_leaves_nothing(
    shelf: Shelf, tmp_path: Path, format: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(images: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write(shelf, format, tmp_path / "out", "plane", progress=full)
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "artifacts"} | {
        path.name for path in tmp_path.glob("ledger.db*")
    }


def test_what_is_not_there_is_said(shelf: Shelf) -> None:
    ledger = shelf.album.ledger
    with pytest.raises(ExportRefused, match="There is no label bird"):
        chosen_labels(ledger, ["plane", "bird"])
    assert [label.name for label in chosen_labels(ledger, ["plane", "plane"])] == ["plane"]
    assert len(chosen_labels(ledger, [])) == 4
    labels = chosen_labels(ledger, [])
    assert images_to_export(ledger, labels, format=Format.CSV, rejected=False) == 7
    plane = chosen_labels(ledger, ["plane"])
    assert [images_to_export(ledger, plane, format=format, rejected=True) for format in (Format.CSV, Format.COCO)] == [
        5,
        4,
    ]


@pytest.mark.parametrize(
    "name", ["..", ".", "", "a/b", "CON", "nul.txt", "-rf", "~", "x" * 300, "飞" * 100, "a\u202eb", "trail. ", "\udce9"]
)
def test_every_name_is_one_part_of_a_path(name: str) -> None:
    safe = safe_name(name)
    assert Path(safe).name == safe
    assert safe.strip(". ") and safe[0] not in ".-~"
    assert len(safe.encode()) <= 130
    assert safe.partition(".")[0].casefold() not in {"con", "nul"}


def test_folders_of_labels_never_meet() -> None:
    names = ["a/b", "a:b", "A_B", "plane", "PLANE", "plane-2"]
    found = folder_names(names)
    assert list(found) == names
    assert len({folder.casefold() for folder in found.values()}) == len(names)


def test_the_names_of_the_shelf_are_all_there(shelf: Shelf) -> None:
    assert len(shelf.paths) == len(NAMES) == len(set(shelf.paths))
