"""Hostile backups: `ruiji restore` refuses each with a reason, in bounded memory, and the ledger is as it was."""

from __future__ import annotations

import hashlib
import json
import stat
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from catalog.backup import write_backup
from catalog.backup_file import LONGEST_LINE, BackupDamaged, seal_of
from catalog.labels import ensure_label, list_labels
from catalog.ledger import Ledger
from catalog.restore import restore
from tests.attacks.tally import Tally

LABELS = "tables/label.jsonl"
Members = Mapping[str, bytes]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    opened = Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('backups') / 'ledger.db'}")
    ensure_label(opened, "kept")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def sound(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a backup consists of."""
    path = tmp_path_factory.mktemp("sound") / "ledger.zip"
    write_backup(ledger, path, version="0.1.0")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sealed(path: Path, members: Members, *, method: int = zipfile.ZIP_DEFLATED, link: bool = False) -> Path:
    """A zip whose manifest agrees with its rows and whose seal is right: who attacks can count and hash too."""
    manifest = json.loads(members["manifest.json"])
    for part in manifest["tables"]:
        rows = members.get(f"tables/{part['name']}.jsonl", b"")
        part["rows"], part["sha256"] = rows.count(b"\n"), hashlib.sha256(rows).hexdigest()
    said = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in {**members, "manifest.json": said}.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED if name == "manifest.json" else method
            info.external_attr = (stat.S_IFLNK | 0o777) << 16 if link and name == LABELS else 0
            archive.writestr(info, data)
        archive.comment = seal_of(said)
    return path


def with_row(sound: Members, **changed: object) -> dict[str, bytes]:
    """The same with one value of its label's row changed."""
    [columns] = (part["columns"] for part in json.loads(sound["manifest.json"])["tables"] if part["name"] == "label")
    row = json.loads(sound[LABELS])
    for at, (name, _) in enumerate(columns):
        row[at] = changed.get(name, row[at])
    return {**sound, LABELS: json.dumps(row).encode() + b"\n"}


def with_manifest(sound: Members, **changed: object) -> dict[str, bytes]:
    return {**sound, "manifest.json": json.dumps({**json.loads(sound["manifest.json"]), **changed}).encode()}


HOSTILE: dict[str, Callable[[Members], Members]] = {
    "a way out of the zip": lambda sound: {**sound, "../../escaped": b"x"},
    "an absolute way": lambda sound: {**sound, "/tmp/escaped": b"x"},
    "a row nested without end": lambda sound: {**sound, LABELS: b"[" * 1_000_000 + b"\n"},
    "a bomb of one line": lambda sound: {**sound, LABELS: b"[" + b" " * LONGEST_LINE},
    "a number of too many digits": lambda sound: {**sound, LABELS: b"[" + b"9" * 100_000 + b"]\n"},
    "a number that no column holds": lambda sound: with_row(sound, id=2**70),
    "half a character": lambda sound: with_row(sound, name="\ud800"),
    "a time that no calendar has": lambda sound: with_manifest(sound, made_at=1e300),
}


def refused(ledger: Ledger, path: Path, tally: Tally) -> None:
    tally["backups"] += 1
    tracemalloc.start()
    try:
        with pytest.raises(BackupDamaged, match="nothing was changed"):
            restore(ledger, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    tally.largest("backup_peak_bytes", peak)
    assert peak < 4 * LONGEST_LINE
    assert [row.label.name for row in list_labels(ledger)] == ["kept"]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_sealed_and_hostile_is_refused(
    name: str, ledger: Ledger, sound: Members, tmp_path: Path, tally: Tally
) -> None:
    refused(ledger, sealed(tmp_path / "hostile.zip", HOSTILE[name](sound)), tally)
    assert not (tmp_path.parent.parent / "escaped").exists()


def test_a_link_is_read_as_text_and_never_followed(
    ledger: Ledger, sound: Members, secret: Path, tmp_path: Path, tally: Tally
) -> None:
    refused(ledger, sealed(tmp_path / "link.zip", {**sound, LABELS: bytes(secret)}, link=True), tally)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_is_damaged_or_locked_is_refused(
    method: int, ledger: Ledger, sound: Members, tmp_path: Path, tally: Tally
) -> None:
    path = sealed(tmp_path / "damaged.zip", sound, method=method)
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(LABELS)
    data = bytearray(path.read_bytes())
    begins = info.header_offset + 30 + len(LABELS)
    data[begins : begins + info.compress_size] = b"\xff" * info.compress_size
    path.write_bytes(data)
    refused(ledger, path, tally)
    data[info.header_offset + 6] |= 1
    at = data.rindex(LABELS.encode()) - 46
    data[at + 8] |= 1
    path.write_bytes(data)
    refused(ledger, path, tally)


def test_a_manifest_that_is_a_bomb_or_not_as_sealed_is_refused(
    ledger: Ledger, sound: Members, tmp_path: Path, tally: Tally
) -> None:
    for said in (b" " * 50_000_000, b"[" * 900_000, b"\xff\xfe", sound["manifest.json"]):
        with zipfile.ZipFile(tmp_path / "manifest.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in {**sound, "manifest.json": said}.items():
                archive.writestr(name, data)
            archive.comment = seal_of(said if said != sound["manifest.json"] else b"another")
        refused(ledger, tmp_path / "manifest.zip", tally)


def test_control_the_same_zip_unchanged_is_restored(sound: Members, tmp_path: Path) -> None:
    """Or every refusal above would say nothing: the seal is right, and what is written carelessly is caught by it."""
    other = Ledger.open(f"sqlite:///{tmp_path / 'other.db'}")
    try:
        restore(other, sealed(tmp_path / "sound.zip", sound))
        assert [row.label.name for row in list_labels(other)] == ["kept"]
    finally:
        other.close()
