"""Uploads that ask for much: refused with a reason, in bounded memory, while others are answered."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from tests.attacks.bombs import MAY_BE_PICTURES, bombs, long_gif
from tests.attacks.speaking import Attacker
from tests.attacks.tally import Tally
from tests.photos import jpeg, scene
from tests.stack import Stack

# What a part may hold at its height, in MB. A decoding child has a limit of its own that the kernel keeps.
WEB_MB, WORKER_MB, CHILD_MB = 500, 900, 2500
SLOW = 8  # clients that never finish; the server has 16 threads
PARTS = {"web": "gunicorn_server", "query_worker": "worker --queues query", "decoding_child": "ingest.child"}


def peak_mb(pid: int) -> int:
    """The largest resident memory that a process ever had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) // 1024 if found else 0


def peaks(stack: Stack) -> dict[str, int]:
    """The largest peak among the processes of each part."""
    found = dict.fromkeys(PARTS, 0)
    for pid, line in stack.processes().items():
        for part, words in PARTS.items():
            if words in line:
                with contextlib.suppress(OSError):
                    found[part] = max(found[part], peak_mb(pid))
    return found


def test_bombs_are_refused_in_bounded_memory(stack: Stack, attacker: Attacker, tally: Tally) -> None:
    highest = peaks(stack)
    for name, data in bombs().items():
        assert len(data) < 20 * 2**20, name
        started = time.monotonic()
        answer = attacker.upload(data)
        took = time.monotonic() - started
        allowed = (200, 422) if name in MAY_BE_PICTURES else (422,)
        assert answer.status in allowed and took < 60, (name, answer.status, answer.body[:300], took)
        highest = {part: max(value, highest[part]) for part, value in peaks(stack).items()}
        tally["bombs"] += 1
    moving = attacker.upload(long_gif(10_000))
    assert moving.status == 200, "of an animation the first frame counts"
    highest = {part: max(value, highest[part]) for part, value in peaks(stack).items()}
    assert attacker.upload(jpeg(scene("sky", 3))).status == 200
    tally["bombs"] += 1
    for part, value in highest.items():
        tally.largest(f"peak_memory_mb_{part}", value)
    tally["peak_memory_mb"] = max(highest.values())
    assert highest["web"] < WEB_MB and highest["query_worker"] < WORKER_MB, highest
    assert highest["decoding_child"] < CHILD_MB, highest


def test_memory_that_was_given_back_still_counts() -> None:
    """The control: a process that held 300 MB for a moment has a peak above that."""
    script = "held = bytearray(b'x') * (300 << 20); del held; input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as process:
        until = time.monotonic() + 90
        while peak_mb(process.pid) < 300 and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.1)
        peak = peak_mb(process.pid)
        process.communicate(b"\n")
    assert 300 <= peak < 400


def test_a_body_over_the_limit_is_refused_and_not_kept(stack: Stack, attacker: Attacker, tally: Tally) -> None:
    before = peaks(stack)["web"]
    for size in (21, 40):
        answer = attacker.upload(bytes(size * 2**20))
        assert answer.status == 413, answer.body
    for path in ("/api/v1/labels", "/api/v1/matches", "/api/v1/sources"):
        answer = attacker.send("POST", path, body=b" " * (17 * 2**20), headers={"Content-Type": "application/json"})
        assert answer.status == 413, (path, answer.body)
    deep = b'{"name":' * 100_000 + b"1" + b"}" * 100_000
    answer = attacker.send("POST", "/api/v1/labels", body=deep, headers={"Content-Type": "application/json"})
    assert answer.status == 400
    tally["bombs"] += 6
    assert peaks(stack)["web"] < before + 150


def waits_still(client: socket.socket) -> bool:
    """Whether the server has neither answered it nor hung up."""
    try:
        client.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
    except BlockingIOError:
        return True
    return False


def test_slow_bodies_keep_nobody_else_waiting(stack: Stack, attacker: Attacker, tally: Tally) -> None:
    head = (
        f"POST /api/v1/search HTTP/1.1\r\nHost: 127.0.0.1:{stack.port}\r\nCookie: {stack.cookies}\r\n"
        f"X-CSRF-Token: {stack.token}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        "Content-Length: 1000000\r\n\r\n"
    )
    with contextlib.ExitStack() as open_ones:
        slow = [open_ones.enter_context(socket.create_connection(("127.0.0.1", stack.port))) for _ in range(SLOW)]
        for one in slow:
            one.sendall(head.encode())
        for _ in range(5):
            for one in slow:
                one.sendall(b"-")
            assert attacker.get("/healthz").status == 200
            assert attacker.upload(jpeg(scene("sky", 4))).status == 200
            assert all(waits_still(one) for one in slow), "others were answered before the slow ones were let go"
    tally["bombs"] += SLOW


def test_a_zip_that_unpacks_to_much_is_refused_in_bounded_memory(
    stack: Stack, attacker: Attacker, tally: Tally
) -> None:
    """250 MB of zeros in 1 MB, under the name of the weights: taken block by block, and no encoder."""
    path = stack.allowed_root / "large.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name in ("config.json", "model.onnx", "metrics.json"):
            packed.writestr(name, "{}")
        with packed.open("model.safetensors", "w", force_zip64=True) as sink:
            for _ in range(25):
                sink.write(bytes(10 * 2**20))
    answer = attacker.post("/api/v1/encoders", {"path": str(path)})
    path.unlink()
    assert answer.status == 422, answer.body
    highest = peaks(stack)["query_worker"]
    tally.largest("peak_memory_mb_query_worker", highest)
    tally["bombs"] += 1
    assert highest < WORKER_MB
