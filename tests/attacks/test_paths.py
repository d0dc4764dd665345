"""Hundreds of ways out of the folders that are served: no byte from outside of them comes back."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import unquote

import pytest

from ingest.public.archive import extract
from ingest.public.download import ArchiveDamaged
from tests.attacks.paths import SECRET, addresses, named
from tests.attacks.speaking import Attacker, Heard
from tests.attacks.tally import TIMES, Tally
from tests.stack import Stack

SHORT = 700
OUTSIDE = (SECRET.encode(), b"root:x:0:0", b"daemon:x:")


def leaked(bodies: Iterable[bytes]) -> int:
    """How many of the answers hold bytes that lie outside."""
    return sum(any(one in body for one in OUTSIDE) for body in bodies)


def some(found: list[str]) -> list[str]:
    """All of them in the long form; in the short one, every so many."""
    step = max(1, len(found) // (SHORT * TIMES))
    return found[:: step if step % 2 else step + 1]


def test_no_address_leads_out(attacker: Attacker, secret: Path, tally: Tally) -> None:
    found = some(addresses(secret))
    assert len(found) >= 500
    answers: list[Heard] = []
    for address in found:
        answer = attacker.send("GET", address)
        assert answer.status < 500, (address, answer.body[:300])
        answers.append(answer)
    tally["traversals"] += len(found)
    tally["leaks"] += leaked(answer.body for answer in answers)
    assert leaked(answer.body for answer in answers) == 0


def test_a_server_that_joins_names_to_a_folder_is_caught(stack: Stack, secret: Path) -> None:
    """The control: the same addresses, asked of a function that trusts them."""

    def naive(address: str) -> bytes:
        path = os.path.join(stack.allowed_root, unquote(address).removeprefix("/static/"))  # noqa: PTH118
        try:
            return Path(path).read_bytes()
        except (OSError, ValueError):
            return b""

    assert leaked(map(naive, addresses(secret))) > 20


PATH_FIELDS: dict[str, Callable[[Attacker, str], Heard]] = {
    "folders": lambda attacker, path: attacker.get("/api/v1/folders", path=path),
    "sources": lambda attacker, path: attacker.post("/api/v1/sources", {"path": path}),
    "encoders": lambda attacker, path: attacker.post("/api/v1/encoders", {"path": path}),
    "samples": lambda attacker, path: attacker.post("/api/v1/search", {"sample": path[-255:]}),
}


@pytest.mark.parametrize("field", list(PATH_FIELDS))
def test_no_path_in_a_field_leads_out(attacker: Attacker, stack: Stack, secret: Path, field: str, tally: Tally) -> None:
    before = attacker.get("/api/v1/sources").json()
    for path in named(stack.allowed_root, secret):
        answer = PATH_FIELDS[field](attacker, path)
        assert answer.status < 500, (path, answer.body)
        tally["traversals"] += 1
        tally["leaks"] += leaked([answer.body])
        assert leaked([answer.body]) == 0, path
        allowed = Path(os.path.realpath(path.split("\0")[0])).is_relative_to(stack.allowed_root) and "\0" not in path
        assert 400 <= answer.status < 500 or (field == "folders" and allowed), (path, answer.status, answer.body)
    assert attacker.get("/api/v1/sources").json() == before


def test_links_that_lead_out_bring_nothing_in(attacker: Attacker, stack: Stack, secret: Path, tally: Tally) -> None:
    """Neither as photos nor as pictures to try, nor when a photo becomes a link after it was taken in."""
    offered = attacker.get("/api/v1/samples").json()["samples"]
    assert [one["name"] for one in offered] == ["sky.jpg"]
    photo = next((stack.allowed_root / "plain" / "sky").glob("*.jpg"))
    data = photo.read_bytes()
    known = attacker.upload(data).json()["results"][0]["image_id"]
    photo.unlink()
    photo.symlink_to(secret.with_suffix(".jpg"))
    try:
        answers = [
            attacker.send("GET", path)
            for path in (f"/view/{known}?side=2400", f"/thumbnail/{known}", "/samples/link.jpg")
        ]
        outside = attacker.upload(secret.with_suffix(".jpg").read_bytes()).json()["results"]
    finally:
        photo.unlink()
        photo.write_bytes(data)
    assert [answer.status for answer in answers] == [422, 200, 404], answers[0].body[:200]
    assert outside[0]["score"] < 0.9999, "the picture outside is no photo here"
    tally["traversals"] += 6
    tally["leaks"] += leaked(answer.body for answer in answers)


def test_an_archive_of_ours_names_nothing_outside(attacker: Attacker, tally: Tally) -> None:
    packed = zipfile.ZipFile(io.BytesIO(attacker.get("/api/v1/export", format="imagefolder").body))
    names = packed.namelist()
    assert len(names) > 9
    for name in names:
        parts = name.split("/")
        assert not set(parts) & {"", ".", ".."} and "\\" not in name and ":" not in name, name
        assert SECRET.encode() not in packed.read(name)
    tally["traversals"] += len(names)


MEMBERS = ("../{}", "a/../../{}", "/{}", "..\\{}", "a/b/../../../{}", "./../{}", "a\\..\\..\\{}", "../../../../../{}")


@pytest.mark.parametrize("member", MEMBERS)
def test_no_member_of_a_tar_is_written_outside(tmp_path: Path, member: str, tally: Tally) -> None:
    archive, inside = tmp_path / "hostile.tar", tmp_path / "deep" / "inside"
    inside.mkdir(parents=True)
    with tarfile.open(archive, "w") as tar:
        info = tarfile.TarInfo(member.format("escaped.jpg"))
        info.size = len(SECRET)
        tar.addfile(info, io.BytesIO(SECRET.encode()))
    with pytest.raises(ArchiveDamaged):
        extract(archive, place=lambda parts: inside.joinpath(*parts), what="photos")
    assert not list(tmp_path.rglob("*.jpg"))
    tally["traversals"] += 1


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_tar_makes_no_link_and_no_device(tmp_path: Path, kind: bytes, secret: Path, tally: Tally) -> None:
    archive, inside = tmp_path / "hostile.tar", tmp_path / "inside"
    with tarfile.open(archive, "w") as tar:
        info = tarfile.TarInfo("photos/link.jpg")
        info.type, info.linkname = kind, str(secret)
        tar.addfile(info)
    assert extract(archive, place=lambda parts: inside.joinpath(*parts), what="photos") == 0
    assert not inside.exists()
    tally["traversals"] += 1


def test_a_zip_of_an_encoder_writes_nothing_outside(
    attacker: Attacker, stack: Stack, tmp_path: Path, tally: Tally
) -> None:
    path = stack.allowed_root / "encoder.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for member in MEMBERS:
            packed.writestr(member.format("config.json"), "{}")
        packed.writestr("../../model.onnx", SECRET)
    before = set(stack.home.parent.rglob("*.onnx"))
    answer = attacker.post("/api/v1/encoders", {"path": str(path)})
    path.unlink()
    assert answer.status == 422, answer.body
    assert set(stack.home.parent.rglob("*.onnx")) == before
    tally["traversals"] += len(MEMBERS) + 1
    tally["leaks"] += leaked([answer.body])


def test_a_file_in_place_of_a_folder_is_not_shown(attacker: Attacker, stack: Stack, secret: Path, tally: Tally) -> None:
    """An encoder's folder whose files are links to what lies outside."""
    folder = stack.allowed_root / "encoder"
    folder.mkdir()
    for name in ("config.json", "model.onnx", "model.safetensors", "metrics.json", "README.md"):
        (folder / name).symlink_to(secret)
    answer = attacker.post("/api/v1/encoders", {"path": str(folder)})
    for one in folder.iterdir():
        one.unlink()
    folder.rmdir()
    assert answer.status == 422 and leaked([answer.body]) == 0, answer.body
    tally["traversals"] += 5
