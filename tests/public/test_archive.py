"""Archives that try to write elsewhere, or are not whole."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from ingest.public.archive import extract
from ingest.public.download import ArchiveDamaged


def tar_of(path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    """An archive of exactly these members."""
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def file(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    """A regular member."""
    return tarfile.TarInfo(name), content


@pytest.mark.parametrize("name", ["../out.png", "a/../../out.png", "/tmp/out.png", "a\\..\\out.png"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    room = tmp_path / "deep" / "room"
    archive = tar_of(tmp_path / "bad.tgz", [file("good.png"), file(name)])
    with pytest.raises(ArchiveDamaged, match="outside its folder"):
        extract(archive, place=lambda parts: room.joinpath(*parts), what="test")
    assert [path.name for path in tmp_path.rglob("*.png")] == ["good.png"]


def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    link, hard, device = tarfile.TarInfo("link.png"), tarfile.TarInfo("hard.png"), tarfile.TarInfo("device.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hard.type, hard.linkname = tarfile.LNKTYPE, "good.png"
    device.type = tarfile.CHRTYPE
    archive = tar_of(tmp_path / "links.tgz", [(link, b""), file("good.png"), (hard, b""), (device, b"")])
    room = tmp_path / "room"
    assert extract(archive, place=lambda parts: room.joinpath(*parts), what="test") == 1
    assert [path.name for path in room.iterdir()] == ["good.png"]


def test_what_is_not_wanted_is_left_out(tmp_path: Path) -> None:
    archive = tar_of(tmp_path / "two.tgz", [file("a/one.txt"), file("a/two.png", b"two")])
    wanted = tmp_path / "two.png"
    assert extract(archive, place=lambda parts: wanted if parts[-1] == "two.png" else None, what="test") == 1
    assert wanted.read_bytes() == b"two"


@pytest.mark.parametrize("keep", [0, 10, 1500])
def test_a_cut_archive_is_named(tmp_path: Path, keep: int) -> None:
    import random

    content = random.Random(1).randbytes(5000)
    archive = tar_of(tmp_path / "cut.tgz", [file("one.png", content)])
    archive.write_bytes(archive.read_bytes()[:keep])
    with pytest.raises(ArchiveDamaged, match=r"cut\.tgz"):
        extract(archive, place=lambda parts: tmp_path / "room" / parts[-1], what="test")
