"""Artifacts appear whole or not at all, and only under plain keys; in a folder and through fsspec alike."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest

from catalog.artifacts import PARTIAL, ArtifactError, ArtifactMissing, ArtifactStore, InvalidKey


@pytest.fixture(params=["folder", "file-url", "object-store"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "folder":
        return ArtifactStore(tmp_path / "artifacts")
    if request.param == "file-url":
        return ArtifactStore(f"file://{tmp_path}/with%20space")
    return ArtifactStore(f"memory://{uuid4().hex}/artifacts")


def test_put_get_list_delete(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"from a file")
    store.put("a/b/one.bin", b"0123456789")
    store.put("a/two", b"")
    store.put_file("c", tmp_path / "file")
    assert store.get("a/b/one.bin") == b"0123456789"
    assert store.get("a/two") == b""
    assert store.get("c") == b"from a file"
    assert store.get_range("a/b/one.bin", 3, 4) == b"3456"
    assert store.get_range("a/b/one.bin", 8, 100) == b"89"
    assert sorted(store.list()) == ["a/b/one.bin", "a/two", "c"]
    assert sorted(store.list("a")) == sorted(store.list("a/")) == ["a/b/one.bin", "a/two"]
    assert list(store.list("nothing")) == []
    store.put("a/two", b"other")
    assert store.get("a/two") == b"other"
    assert store.size("a/two") == 5
    store.put("a/two", b"for a while", durable=False)
    assert store.get("a/two") == b"for a while"
    assert 0 <= store.age("c") < 60
    assert abs(store.mtime("c") - time.time()) < 60
    assert store.exists("c") and not store.exists("a") and not store.exists("d")
    assert store.delete("c")
    assert not store.delete("c")
    assert not store.exists("c")


def test_what_is_missing_is_named(store: ArtifactStore) -> None:
    for read in (lambda: store.get("no/such"), lambda: store.get_range("no/such", 0, 1), lambda: store.age("no/such")):
        with pytest.raises(ArtifactMissing, match="no/such"):
            read()


BAD_KEYS = ["", "/", "/etc/passwd", "a//b", "a/../b", "..", ".", "a/.", "a/...", "a b", "a\\b", "a\0", "é", "a/", "a\n"]


@pytest.mark.parametrize("key", [*BAD_KEYS, "x" * 201, "a/" * 500 + "a", f"x{PARTIAL}"])
def test_other_keys_are_refused(store: ArtifactStore, key: str) -> None:
    for act in (store.get, store.delete, store.exists, store.local_path, store.mtime):
        with pytest.raises(InvalidKey):
            act(key)
    with pytest.raises(InvalidKey):
        store.put(key, b"x")


def test_local_facts(tmp_path: Path) -> None:
    local = ArtifactStore(tmp_path / "artifacts")
    local.put("a/b", b"x")
    assert local.local_path("a/b") == tmp_path / "artifacts" / "a" / "b"
    assert (local.free_bytes() or 0) > 0
    remote = ArtifactStore(f"memory://{uuid4().hex}")
    assert remote.local_path("a/b") is None
    assert remote.free_bytes() is None


def test_only_what_must_last_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    store = ArtifactStore(tmp_path)
    store.put("a/b", b"x", durable=False)
    assert synced == []
    store.put("a/b", b"x")
    assert len(synced) == 2, "the file and its folder"


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    sizes = [200_000, 300_000]
    store.put("a/b", b"0" * sizes[0])
    stop = threading.Event()

    def write() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            store.put("a/b", b"%d" % (turn % 10) * sizes[turn % 2])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(200):
            data = store.get("a/b")
            assert len(data) in sizes
            assert len(set(data)) == 1
    finally:
        stop.set()
        writer.join()
    assert list(store.list()) == ["a/b"]


def test_a_killed_writer_leaves_nothing_that_counts(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from catalog.artifacts import ArtifactStore\n"
        "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
        "ArtifactStore(sys.argv[1]).put('a/b', b'x' * 1000)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == -9
    store = ArtifactStore(tmp_path)
    left = list((tmp_path / "a").iterdir())
    assert len(left) == 1
    assert list(store.list()) == []
    assert left[0].exists()
    os.utime(left[0], (1, 1))
    assert list(store.list()) == []
    assert not left[0].exists()


def test_a_failed_write_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a file where a folder should be")
    with pytest.raises(ArtifactError, match="Cannot write a/b"):
        ArtifactStore(tmp_path).put("a/b", b"x")
    if Path("/dev/full").exists():
        full = tmp_path / "full"
        full.mkdir()
        (full / "source").symlink_to("/proc/self/mem")  # reading it fails half-way
        with pytest.raises(ArtifactError, match="Cannot write c"):
            ArtifactStore(full).put_file("c", full / "source")
        assert [path.name for path in full.iterdir()] == ["source"]
