"""Decode children: many files a group, and a death, a hang or a lack of memory costs one file only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from ingest.decode import Decoded, DecodeError, decode_bytes
from ingest.frames import SLOT_BYTES, AnswerWriter, FrameError, Request, read_answer
from ingest.pool import DecodePool, FileToRead, Group, PoolError, cut_groups
from ingest.process import ChildProcess
from tests.ingest.bad_files import REFUSED, SOUND, picture, png_bomb, saved, write_odd_names, write_refused, write_sound

SLOW_SIDE = 7000  # a PNG of 49 megapixels: some tenths of a second to decode


def files(folder: Path, names: list[str]) -> list[FileToRead]:
    return [FileToRead(os.fsencode(folder / name), os.fsencode(folder)) for name in names]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pool")
    write_refused(folder, bomb_side=2000)
    write_sound(folder)
    (folder / "slow.png").write_bytes(png_bomb(SLOW_SIDE))
    (folder / "held.png").write_bytes(saved(picture(), "PNG"))
    for number in range(8):
        (folder / f"{number}.jpg").write_bytes(saved(picture(seed=number), "JPEG"))
    return folder


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with DecodePool(1, size=32, max_pixels=2000 * 2000 - 1) as pool:
        yield pool


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 90) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.002)


def test_a_group_comes_back_in_order_and_equals_decoding_here(pool: DecodePool, folder: Path) -> None:
    names = [*SOUND, *REFUSED]
    group = pool.submit(files(folder, names)).result(120)
    assert len(group.results) == len(names)
    for name, result in zip(names, group.results, strict=True):
        data = (folder / name).read_bytes()
        expected = decode_bytes(data, size=32, max_pixels=2000 * 2000 - 1)
        if isinstance(expected, DecodeError):
            assert result == expected
            continue
        assert isinstance(result, Decoded)
        assert (result.pixels == expected.pixels).all()
        for field in ("thumbnail", "sha256", "pixel_hash", "width", "height", "format", "bytes"):
            assert getattr(result, field) == getattr(expected, field), field
        status = (folder / name).stat()
        assert (result.file_size, result.mtime_ns) == (status.st_size, status.st_mtime_ns)
    assert group.seconds.decode > 0


def test_names_that_are_not_utf8_or_hold_quotes_and_newlines(pool: DecodePool, tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    group = pool.submit([FileToRead(root + b"/" + name, root) for name in write_odd_names(tmp_path)]).result(120)
    assert all(isinstance(result, Decoded) for result in group.results)


def test_one_picture_from_bytes_and_a_view(pool: DecodePool, folder: Path) -> None:
    data = (folder / "plain.jpg").read_bytes()
    one = pool.decode_one(data, size=64)
    assert isinstance(one, Decoded)
    assert one.pixels.shape == (64, 64, 3)
    assert one.thumbnail == b""
    assert (one.file_size, one.mtime_ns) == (0, 0)
    assert isinstance(pool.decode_one(b"nonsense"), DecodeError)
    view = pool.view_one(FileToRead(os.fsencode(folder / "plain.jpg")), side=100)
    assert isinstance(view, bytes)
    assert view.startswith(b"\xff\xd8")
    gone = pool.view_one(FileToRead(os.fsencode(folder / "gone.jpg")), side=100)
    assert isinstance(gone, DecodeError)
    assert gone.kind == "vanished"


def test_what_does_not_fit_in_a_slot_is_said_at_once(pool: DecodePool) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        pool.decode_one(bytes(SLOT_BYTES))
    with pytest.raises(ValueError, match="do not fit"):
        pool.submit([b""] * 100, size=1024)


def test_groups_are_capped_by_files_and_bytes() -> None:
    found = [FileToRead(b"%d" % number) for number in range(10)]
    groups = list(cut_groups(found, [1, 1, 1, 1, 100, 1, 1, 60, 60, 1], group_files=3, group_bytes=100))
    assert [len(group) for group in groups] == [3, 1, 1, 3, 2]
    assert [file for group in groups for file in group] == found


def test_many_threads_share_a_pool(pool: DecodePool, folder: Path) -> None:
    names = [f"{number}.jpg" for number in range(8)]
    wrong = []

    def ask(number: int) -> None:
        for _ in range(10):
            result = pool.decode_one((folder / names[number]).read_bytes())
            if not isinstance(result, Decoded) or abs(int(result.pixels[..., 2].mean()) - number * 37) > 6:
                wrong.append((number, result))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def kill_while_at(pool: DecodePool, name: bytes, times: int, *, meanwhile: Callable[[], object] = lambda: None) -> None:
    """SIGKILLs the child that is decoding the file, as the kernel does when memory runs out."""
    killed: set[int] = set()

    def hit() -> bool:
        for pid, path in pool.at():
            if path.endswith(name) and pid not in killed:
                if len(killed) == times - 1:
                    meanwhile()
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        return len(killed) >= times

    wait_until(hit)


def test_a_file_that_kills_its_decoder_twice_is_bad_and_the_rest_goes_on(folder: Path, mark: Path) -> None:
    with DecodePool(1, size=32) as pool:
        future = pool.submit(files(folder, ["0.jpg", "held.png", "1.jpg", "2.jpg"]))
        behind = pool.submit(files(folder, ["3.jpg", "4.jpg"]))
        kill_while_at(pool, b"held.png", 2)
        results = future.result(120).results
        assert [type(result) for result in results] == [Decoded, DecodeError, Decoded, Decoded]
        assert isinstance(results[1], DecodeError)
        assert results[1].kind == "crashed"
        assert "SIGKILL" in results[1].reason
        for number, result in zip((0, 1, 2), (results[0], *results[2:]), strict=True):
            assert isinstance(result, Decoded)
            assert result.bytes == (folder / f"{number}.jpg").stat().st_size
        assert all(isinstance(result, Decoded) for result in behind.result(120).results)


def test_a_decoder_killed_once_by_chance_costs_no_file(folder: Path, mark: Path) -> None:
    with DecodePool(1, size=32) as pool:
        future = pool.submit(files(folder, ["0.jpg", "held.png", "1.jpg"]))
        kill_while_at(pool, b"held.png", 1, meanwhile=mark.unlink)
        assert all(isinstance(result, Decoded) for result in future.result(120).results)


def test_a_file_over_the_memory_limit_is_named(folder: Path) -> None:
    with DecodePool(1, size=32, memory_mb=60) as pool:
        results = pool.submit(files(folder, ["0.jpg", "slow.png", "1.jpg"])).result(120).results
    assert isinstance(results[1], DecodeError)
    assert results[1].kind == "out_of_memory"
    assert isinstance(results[0], Decoded)
    assert isinstance(results[2], Decoded)


def test_a_file_over_the_time_limit_is_named(folder: Path, mark: Path) -> None:
    with DecodePool(1, size=32, file_timeout_s=2) as pool:
        results = pool.submit(files(folder, ["held.png", "1.jpg"])).result(120).results
    assert isinstance(results[0], DecodeError)
    assert results[0].kind == "timeout"
    assert "2 s" in results[0].reason
    assert isinstance(results[1], Decoded)


def close_at_once(pool: DecodePool) -> None:
    """What waits for a child that never answers waits for ever."""
    closing = threading.Thread(target=pool.close, daemon=True)
    closing.start()
    closing.join(60)
    assert not closing.is_alive()


def test_closing_fails_what_is_on_its_way(folder: Path, mark: Path) -> None:
    pool = DecodePool(1, size=32)
    futures = [pool.submit(files(folder, ["held.png"])) for _ in range(4)]
    wait_until(lambda: bool(pool.at()))
    close_at_once(pool)
    for future in futures:
        with pytest.raises(PoolError, match="closed"):
            future.result(120)
    with pytest.raises(PoolError, match="closed"):
        pool.decode_one(b"")


def test_closing_ends_idle_decoders_at_once_however_long_each_takes_to_die(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that was told to stop did not, now and then: a decoder that was still open took another's notice."""
    kill = ChildProcess.kill

    def slowly(child: ChildProcess) -> None:
        kill(child)
        time.sleep(0.1)

    monkeypatch.setattr(ChildProcess, "kill", slowly)
    pool = DecodePool(4, size=32)
    wait_until(lambda: all(channel._child is not None for channel in pool._channels))
    close_at_once(pool)


def test_children_load_no_torch_and_see_no_settings(folder: Path, mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUIJI_DATABASE_URL", "postgresql://someone:secret@db/ruiji")
    with DecodePool(1, size=32) as pool:
        future: Future[Group] = pool.submit(files(folder, ["held.png"]))
        wait_until(lambda: bool(pool.at()))
        pid = pool.at()[0][0]
        assert "torch" not in Path(f"/proc/{pid}/maps").read_text()
        assert b"secret" not in Path(f"/proc/{pid}/environ").read_bytes()
        os.kill(pid, signal.SIGINT)  # Ctrl-C goes to the whole process group; ending is the parent's business
        mark.unlink()
        assert isinstance(future.result(120).results[0], Decoded)


PARENT = """
import sys, time
from ingest.pool import DecodePool, FileToRead
pool = DecodePool(2, size=32)
futures = [pool.submit([FileToRead(sys.argv[1].encode())]) for _ in range(40)]
while len(found := pool.at()) < 2:
    time.sleep(0.002)
print(*(pid for pid, _ in found), flush=True)
time.sleep(600)
"""


def test_children_end_with_their_parent_even_in_the_middle_of_a_file(folder: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", PARENT, str(folder / "slow.png")]
    parent = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()

    def gone(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    wait_until(lambda: all(gone(pid) for pid in children))


def test_a_pool_whose_children_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with DecodePool(1, size=32) as pool, pytest.raises(PoolError, match="cannot start a decode process"):
        pool.decode_one(b"data", timeout_s=30)


@pytest.mark.parametrize("spoil", ["state", "format", "blob", "size"])
def test_a_frame_that_makes_no_sense_is_refused(spoil: str) -> None:
    """A child that a picture has taken over may write anything into the shared memory."""
    request = Request((b"",), 1, 8, 0, 1, 1)
    memory = memoryview(bytearray(4096))
    writer = AnswerWriter(memory, request)
    pixels = np.zeros((8, 8, 3), np.uint8)
    writer.put(0, Decoded(pixels, b"thumb", "ab" * 32, "cd" * 16, 8, 8, "jpeg", 5))
    results, _ = read_answer(memory, request, 1)
    assert isinstance(results[0], Decoded)
    assert results[0].thumbnail == b"thumb"
    record = 32
    if spoil == "state":
        memory[record] = 9
    elif spoil == "format":
        memory[record + 1] = 200
    elif spoil == "size":
        memory[record + 2 : record + 6] = bytes(4)
    else:
        memory[record + 82 : record + 86] = b"\xff\xff\xff\xff"
    with pytest.raises(FrameError):
        read_answer(memory, request, 1)
