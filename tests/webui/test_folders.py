"""Which folders the page may read: links, dots, tildes and odd names included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from webui import folders
from webui.errors import ApiError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An allowed root with holidays/ (3 pictures and a text), empty/, a hidden folder, and a secret beside the root."""
    root = tmp_path / "allowed"
    (root / "holidays" / "day one").mkdir(parents=True)
    (root / "empty" / "deeper").mkdir(parents=True)
    (root / ".hidden").mkdir()
    for name in ("a.jpg", "b.JPEG", "c.png", "notes.txt"):
        (root / "holidays" / name).write_bytes(b"x")
    (tmp_path / "secret").mkdir()
    (tmp_path / "allowed-not").mkdir()
    return root


def refused(path: str, roots: list[Path]) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        folders.resolve(path, roots)
    assert caught.value.status >= 400
    return caught.value.status, caught.value.code


def test_a_folder_below_a_root_is_found_wherever_it_lies(root: Path) -> None:
    for path in (root, root / "holidays", root / "holidays" / "day one", root / "empty" / ".." / "holidays"):
        assert folders.resolve(str(path), [root]) == path.resolve()


@pytest.mark.parametrize(
    "name", ["../secret", "../allowed-not", "..", "holidays/../../secret", "../nowhere", "/", "/etc"]
)
def test_nothing_outside_the_roots_is_told_of(root: Path, name: str) -> None:
    assert refused(f"{root}/{name}" if not name.startswith("/") else name, [root]) == (403, "outside_allowed_roots")


def test_without_roots_nothing_is_allowed(root: Path) -> None:
    assert refused(str(root), []) == (403, "outside_allowed_roots")


def test_a_link_counts_as_where_it_leads(root: Path) -> None:
    (root / "way out").symlink_to(root.parent / "secret")
    (root / "way in").symlink_to(root / "holidays")
    assert refused(str(root / "way out"), [root]) == (403, "outside_allowed_roots")
    assert folders.resolve(str(root / "way in"), [root]) == root / "holidays"
    names = [row.name for row in folders.listing(str(root), [root]).folders]
    assert names == ["empty", "holidays", "way in"]


def test_a_root_that_is_a_link_itself_is_allowed(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert folders.resolve(str(link / "holidays"), [link]) == root / "holidays"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("{root}/nowhere", (404, "folder_missing")),
        ("{root}/holidays/a.jpg", (400, "not_a_folder")),
        ("{root}/holidays/a.jpg/deeper", (404, "folder_missing")),
        ("holidays", (400, "not_absolute")),
        ("{root}/\0", (400, "bad_path")),
        ("~nobody-of-that-name/x", (400, "bad_path")),
        ("{root}/" + "long" * 100, (403, "folder_unreadable")),
    ],
)
def test_each_trouble_has_its_answer(root: Path, path: str, expected: tuple[int, str]) -> None:
    assert refused(path.format(root=root), [root]) == expected


def test_a_loop_of_links_ends(root: Path) -> None:
    (root / "one").symlink_to(root / "two")
    (root / "two").symlink_to(root / "one")
    status, _ = refused(str(root / "one"), [root])
    assert status in (403, 404)
    assert {row.name for row in folders.listing(str(root), [root]).folders} == {"empty", "holidays"}


def test_a_listing_counts_pictures_by_their_endings(root: Path) -> None:
    found = folders.listing(str(root), [root])
    assert found.parent is None
    assert [(row.name, row.pictures, row.more) for row in found.folders] == [
        ("empty", 0, False),
        ("holidays", 3, False),
    ]
    deeper = folders.listing(str(root / "holidays"), [root])
    assert deeper.parent == root
    assert deeper.own.pictures == 3
    assert [row.path for row in deeper.folders] == [str(root / "holidays" / "day one")]


def test_counting_stops_early_in_a_large_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "COUNTED_ENTRIES", 2)
    holidays = next(row for row in folders.listing(str(root), [root]).folders if row.name == "holidays")
    assert holidays.more
    assert holidays.pictures <= 2


def test_a_name_that_is_not_utf8_is_listed_without_a_path(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b'/caf\xe9 "quoted"\n')).mkdir()
    row = folders.listing(str(root), [root]).folders[0]
    assert row.path is None
    assert row.name == 'caf\N{REPLACEMENT CHARACTER} "quoted"\n'


def test_a_folder_without_files_is_told_from_one_with_files_far_below(root: Path) -> None:
    assert not folders.has_files(root / "empty")
    (root / "empty" / "deeper" / "x.jpg").write_bytes(b"x")
    assert folders.has_files(root / "empty")
