"""Where a machine finds a folder that the ledger calls by another path."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.storage.errors import InvalidPathMap
from catalog.storage.path_map import PathMap
from catalog.storage.pictures import PictureStorage

MAP = PathMap.parse(" /data/photos=/mnt/nas/photos , /data=/mnt/rest/,/old photos=/new ")


@pytest.mark.parametrize(
    ("recorded", "here"),
    [
        (b"/data/photos", b"/mnt/nas/photos"),
        (b"/data/photos/a/b.jpg", b"/mnt/nas/photos/a/b.jpg"),
        (b"/data/photos2/b.jpg", b"/mnt/rest/photos2/b.jpg"),
        (b"/old photos/caf\xe9.jpg", b"/new/caf\xe9.jpg"),
        (b"/elsewhere/data/photos", b"/elsewhere/data/photos"),
    ],
)
def test_the_longest_mapped_folder_counts_and_whole_names_only(recorded: bytes, here: bytes) -> None:
    assert MAP.here(recorded) == here
    assert MAP.recorded(here) == recorded


def test_nothing_mapped_is_nothing_changed() -> None:
    assert PathMap.parse("") == PathMap()
    assert PathMap().here(b"/a") == PathMap().recorded(b"/a") == b"/a"


def test_everything_can_be_mapped() -> None:
    everything = PathMap.parse("/=/mnt/other")
    assert (everything.here(b"/"), everything.here(b"/a/b")) == (b"/mnt/other", b"/mnt/other/a/b")
    assert (everything.recorded(b"/mnt/other"), everything.recorded(b"/mnt/other/a")) == (b"/", b"/a")


@pytest.mark.parametrize(
    "text", ["/data", "/data=mnt", "data=/mnt", "/a=/b=/c", "/a=/b,/a/=/c", "/a=s3://bucket", "/a=/b/../c", "=", "/a="]
)
def test_what_cannot_be_understood_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(InvalidPathMap, match="RECORDED=HERE"):
        PathMap.parse(text)


def test_a_folder_given_here_is_called_what_the_ledger_calls_it(tmp_path: Path) -> None:
    (tmp_path / "disk" / "holidays").mkdir(parents=True)
    (tmp_path / "mnt").symlink_to(tmp_path / "disk")
    storage = PictureStorage(path_map=PathMap.parse(f"/data/photos={tmp_path}/mnt"))
    assert storage.root_of(tmp_path / "mnt" / "holidays") == b"/data/photos/holidays"
    assert storage.here(b"/data/photos/holidays") == str(tmp_path / "mnt" / "holidays").encode()


def test_a_folder_that_is_not_mounted_is_named_by_both_paths_with_the_remedy(tmp_path: Path) -> None:
    storage = PictureStorage(path_map=PathMap.parse(f"/data/photos={tmp_path}/nas"))
    reason = storage.unseen(b"/data/photos")
    assert reason is not None
    for words in (f"{tmp_path}/nas", "/data/photos", "No such file", "RUIJI_PATH_MAP"):
        assert words in reason
    (tmp_path / "nas").mkdir()
    assert "it is empty" in str(storage.unseen(b"/data/photos"))
    (tmp_path / "nas" / "a.jpg").touch()
    assert storage.unseen(b"/data/photos") is None
