"""The walk takes every picture file inside the root, whatever its name, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ingest.walk import FolderMissingError, WalkTally, walk
from tests.ingest.bad_files import write_odd_names


def found(root: Path) -> tuple[list[bytes], WalkTally]:
    tally = WalkTally()
    return [file.path for file in walk(os.fsencode(root), tally)], tally


def test_pictures_by_extension_in_any_case_and_depth(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["folder"] * 60)
    deep.mkdir(parents=True)
    for name in ("b.JPG", "a.jpeg", "c.PnG", "d.webp", "notes.txt", "jpg", "e.svg", ".hidden.jpg"):
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.jpg").write_bytes(b"")
    (deep / "deep.tiff").write_bytes(b"1")
    tally = WalkTally()
    files = list(walk(os.fsencode(tmp_path), tally))
    assert [file.path for file in files] == [b"a.jpeg", b"b.JPG", b"c.PnG", b"d.webp", b"folder/" * 60 + b"deep.tiff"]
    assert files[0].size == 5
    assert files[0].mtime_ns == (tmp_path / "a.jpeg").stat().st_mtime_ns
    assert tally.ignored == 5
    assert not tally.unreadable


def test_names_are_bytes(tmp_path: Path) -> None:
    names = write_odd_names(tmp_path)
    assert found(tmp_path)[0] == sorted(names)


def test_links_lead_neither_in_circles_nor_out(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(b"1")
    (root / "real.jpg").write_bytes(b"1")
    (root / "sub" / "inside.jpg").symlink_to(root / "real.jpg")
    (root / "sub" / "outside.jpg").symlink_to(outside / "secret.jpg")
    (root / "sub" / "dangling.jpg").symlink_to(root / "nothing.jpg")
    (root / "sub" / "self.jpg").symlink_to(root / "sub" / "self.jpg")
    (root / "sub" / "loop").symlink_to(root)
    (root / "elsewhere").symlink_to(outside)
    os.mkfifo(root / "pipe.jpg")
    paths, tally = found(root)
    assert paths == [b"real.jpg", b"sub/inside.jpg"]
    assert tally.ignored == 6
    assert {path: kind for path, kind, _ in tally.no_file} == {
        b"pipe.jpg": "not_a_file",
        b"sub/dangling.jpg": "dangling",
        b"sub/outside.jpg": "outside",
        b"sub/self.jpg": "dangling",
    }


def test_a_root_that_is_itself_a_link_is_walked(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jpg").write_bytes(b"1")
    (tmp_path / "real" / "b.jpg").symlink_to(tmp_path / "real" / "a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert found(tmp_path / "link")[0] == [b"a.jpg", b"b.jpg"]


@pytest.mark.parametrize("name", ["missing", "a file"])
def test_a_root_that_is_no_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").write_bytes(b"")
    with pytest.raises(FolderMissingError, match=name):
        found(tmp_path / name)


def test_a_folder_that_goes_away_meanwhile_is_left_out(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").write_bytes(b"1")
    tally = WalkTally()
    walking = walk(os.fsencode(tmp_path), tally)
    assert next(walking).path == b"a/x.jpg"
    (tmp_path / "b" / "x.jpg").unlink()
    (tmp_path / "b").rmdir()
    assert [file.path for file in walking] == [b"c/x.jpg"]
    assert not tally.unreadable


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path) -> None:
    """A path longer than the system takes; root, who runs tests in containers, may read everything else."""
    (tmp_path / "a.jpg").write_bytes(b"1")
    name = "n" * 250
    handle = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir(name, dir_fd=handle)
        below = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    paths, tally = found(tmp_path)
    assert paths == [b"a.jpg"]
    assert [reason for _, reason in tally.unreadable] == ["File name too long"]
