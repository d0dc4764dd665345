"""`ruiji up` and the commands that speak to it, as a person uses them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.other_encoder import renamed
from bench.surroundings import surroundings
from catalog.artifacts import ArtifactStore
from catalog.fault_points import VARIABLE
from catalog.jobs import job_progress
from catalog.ledger import Ledger
from deploy.encoder_setup import set_up_encoder
from tests.deploy.stopped import arm, asked, stopped_embedding
from tests.photos import write_folder
from tests.stack import RUIJI, Stack, free_port


def command(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command line on the stack's home."""
    return stack.command(*arguments)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    room = tmp_path_factory.mktemp("up")
    write_folder(room / "photos" / "labelled", per_kind=8, labelled=True)
    (room / "photos" / "labelled" / "sky" / "bro\nken.jpg").write_bytes(b"\xff\xd8 no picture")
    given = {"RUIJI_LEASE_S": "5", "RUIJI_CHUNK_FILES": "10", VARIABLE: str(room)}
    stack = Stack(home=room / "home", allowed_root=room / "photos", environment=given)
    stack.start()
    yield stack
    stack.stop()
    assert not stack.wait_gone()


def test_ingest_search_and_status_from_the_shell(stack: Stack) -> None:
    folder = stack.allowed_root / "labelled"
    done = command(stack, "ingest", str(folder), "--labels-from-folders")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "24 embedded" in done.stdout
    assert "1 bad" in done.stdout
    assert r"bro\nken.jpg" in done.stdout

    again = command(stack, "ingest", str(folder), "--labels-from-folders")
    assert "0 embedded, 24 known already" in again.stdout, again.stdout

    query = folder / "grass" / "00002.jpg"
    found = command(stack, "search", str(query), "-k", "5", "--json")
    assert found.returncode == 0, found.stderr
    results = json.loads(found.stdout)["results"]
    assert len(results) == 5
    assert results[0]["own_copy"]
    assert results[0]["path"] == str(query)
    assert results[0]["labels"] == ["grass"]
    table = command(stack, "search", str(query), "-k", "3")
    assert "grass" in table.stdout
    assert "the picture itself" in table.stdout

    status = json.loads(command(stack, "status", "--json").stdout)
    assert status["images"]["images"] == 24
    assert {row["queues"] for row in status["workers"]} >= {"query", "embed", "index"}
    [node] = status["nodes"]
    assert node["workers"] == len(status["workers"]) and node["gpus"] == []
    assert {row["version"] for row in status["workers"]} == set(node["versions"]) and len(node["versions"]) == 1
    queues = {queue["queue"]: queue for queue in status["queues"]}
    assert [queues[name]["workers"] for name in ("query", "embed", "index")] == [1, 1, 1]
    assert queues["embed"]["open"] == 0 and queues["embed"]["waiting"] is not None
    assert status["index"] == {"embedded": 24, "indexed": 24, "changes": 0}
    shown = command(stack, "status").stdout
    assert "24" in shown and node["host"] in shown


def test_searching_with_something_else_says_what_it_is(stack: Stack, tmp_path: Path) -> None:
    nothing = command(stack, "search", str(tmp_path / "none.jpg"))
    assert nothing.returncode == 1
    assert "none.jpg" in nothing.stderr
    (tmp_path / "text.jpg").write_text("hello")
    refused = command(stack, "search", str(tmp_path / "text.jpg"))
    assert refused.returncode == 1
    assert refused.stderr.startswith("ruiji: ")
    assert "Traceback" not in refused.stderr


def test_doctor_agrees_while_the_stack_runs(stack: Stack) -> None:
    for arguments in (("doctor",), ("doctor", "--repair")):
        found = command(stack, *arguments)
        assert found.returncode == 0, found.stdout + found.stderr
        assert "agree" in found.stdout
    told = json.loads(command(stack, "doctor", "--quick", "--json").stdout)
    how = {finding["what"]: finding["how"] for finding in told["findings"]}
    assert told["ok"] and "wrong" not in how.values()
    for what in (
        "ledger",
        "tables",
        "broker",
        "broker's memory",
        "index",
        "query worker",
        "ledger, index",
        "free disk",
    ):
        assert how[what] == "ok", told


def test_doctor_mends_a_row_that_the_index_has_lost_while_the_stack_runs(stack: Stack) -> None:
    from catalog.index import VectorIndex

    port = int((stack.home / "run" / "milvus.port").read_text())
    ledger = sqlite3.connect(stack.home / "ledger.db")
    collection, image = ledger.execute(
        "SELECT collection, (SELECT min(image_id) FROM embedding) FROM encoder"
    ).fetchone()
    ledger.close()
    index = VectorIndex(f"http://127.0.0.1:{port}")
    index.delete(collection, [image])
    index.close()
    found = command(stack, "doctor")
    assert found.returncode == 1, found.stdout
    mended = command(stack, "doctor", "--repair")
    assert mended.returncode == 0, mended.stdout
    assert "mended" in mended.stdout
    assert command(stack, "doctor").returncode == 0


def test_a_second_stack_on_the_same_home_is_refused(stack: Stack) -> None:
    second = command(stack, "up", "--port", str(free_port()))
    assert second.returncode == 1
    assert "already running" in second.stderr
    assert stack.process is not None
    assert str(stack.process.pid) in second.stderr
    assert stack.request("GET", "/healthz").status == 200


def test_state_is_private_and_web_is_light(stack: Stack) -> None:
    assert (stack.home / "run").stat().st_mode & 0o777 == 0o700
    assert (stack.home / "secret").stat().st_mode & 0o777 == 0o600
    web = [pid for pid, line in stack.processes().items() if "gunicorn" in line]
    assert web
    for pid in web:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        assert int(status["VmRSS"].split()[0]) < 250 * 1024, status["VmRSS"]
        assert "libtorch" not in Path(f"/proc/{pid}/maps").read_text()
    niceness = {
        name: os.getpriority(os.PRIO_PROCESS, pid)
        for pid, line in stack.processes().items()
        for name in ("query", "embed", "index")
        if line.endswith(f"--queues {name}")
    }
    assert niceness["embed"] == niceness["index"] > niceness["query"]


def test_switching_to_another_encoder_and_back(stack: Stack, tmp_path: Path) -> None:
    status = json.loads(command(stack, "status", "--json").stdout)
    before, images = status["encoder"], status["images"]["images"]
    folder = renamed(tmp_path / "encoder", "newer")
    used = command(stack, "encoder", "use", str(folder))
    assert used.returncode == 0, used.stdout + used.stderr
    assert f"all pictures: done; {images} embedded" in used.stdout
    assert f"{images} of {images} pictures searchable" in used.stdout
    now = json.loads(command(stack, "status", "--json").stdout)["encoder"]
    assert now["name"] == "newer"
    assert now["id"] != before["id"]
    query = stack.allowed_root / "labelled" / "grass" / "00002.jpg"
    # The one before answers, under its own name, until the new one is loaded.
    until = time.monotonic() + 120
    while (answers := stack.upload(query.read_bytes(), k=5).json()["encoder"]) != now["id"]:
        assert answers == before["id"] and time.monotonic() < until
        time.sleep(0.1)
    found = json.loads(command(stack, "search", str(query), "-k", "5", "--json").stdout)
    assert found["encoder"] == now["id"]
    assert found["results"][0]["path"] == str(query)
    assert len(found["results"]) == 5

    back = command(stack, "encoder", "use", before["id"][:12])
    assert back.returncode == 0, back.stderr
    listed = [line.split() for line in command(stack, "encoder", "list").stdout.splitlines()]
    shown = {line[0]: line[2:6] for line in listed if line[0] in (before["id"][:12], now["id"][:12])}
    every = [str(images), "of", str(images)]
    assert shown == {before["id"][:12]: [*every, "serves"], now["id"][:12]: [*every, "before"]}


def test_killing_the_supervisor_ends_all_and_the_next_start_goes_on(stack: Stack) -> None:
    write_folder(stack.allowed_root / "more", per_kind=60, labelled=False, first_seed=5000)
    points = stack.allowed_root.parent
    arm(points, "shard.written")
    job = stack.ingest(stack.allowed_root / "more")
    stopped_embedding(stack, points, "shard.written")
    assert stack.process is not None
    os.kill(stack.process.pid, signal.SIGKILL)
    stack.process.wait()
    left = stack.wait_gone()
    assert not left
    chunks, scans, shards = asked(
        stack,
        "SELECT (SELECT count(*) FROM chunk WHERE state = 'claimed'),"
        " (SELECT count(*) FROM job WHERE state = 'scanning' AND scan_lease_until > 0),"
        " (SELECT count(*) FROM shard WHERE indexed_at IS NULL AND lease_until > 0)",
    )
    assert chunks > 0
    stack.start()
    assert f"taking up again: {chunks} chunks, {scans} scans, {shards} shards" in stack.log()
    done = stack.wait_job(job)
    assert (done["state"], done["searchable"], done["bad"]) == ("done", True, 0)
    assert done["embedded"] + done["known"] == done["total"] == done["done"] == 180
    counts = json.loads(command(stack, "status", "--json").stdout)["images"]
    assert counts["images"] == 24 + 180


def test_a_dead_part_stops_everything_with_status_1(stack: Stack) -> None:
    victim = next(pid for pid, line in stack.processes().items() if line.endswith("ruiji beat"))
    assert stack.process is not None
    stack.kill([victim])
    assert stack.process.wait(timeout=120) == 1
    assert not stack.wait_gone()
    assert "beat was killed by SIGKILL" in stack.log()


def test_up_embeds_with_the_serving_encoder_and_stops_at_sigterm_in_the_middle(tmp_path: Path) -> None:
    write_folder(tmp_path / "photos", per_kind=100, labelled=True)
    given = {"RUIJI_CHUNK_FILES": "5", VARIABLE: str(tmp_path)}
    stack = Stack(home=tmp_path / "home", allowed_root=tmp_path, environment=given)
    stack.home.mkdir()
    arm(tmp_path, "chunk.committed")
    # As after an upgrade: the shipped encoder is a new one, and this one has served so far.
    ledger = Ledger.open(f"sqlite:///{stack.home}/ledger.db")
    serving = set_up_encoder(ledger, ArtifactStore(str(stack.home / "artifacts")), renamed(tmp_path / "old", "older"))
    ledger.close()
    with (tmp_path / "up.log").open("wb") as log:
        stack.process = stack.launch("up", "--labelled", str(tmp_path / "photos"), log=log)
    try:
        worker = stopped_embedding(
            stack,
            tmp_path,
            "chunk.committed",
            once="SELECT count(*) > 0 FROM chunk JOIN job ON job.id = job_id WHERE job.state = 'running'"
            " AND (SELECT sum(state = 'done') BETWEEN 1 AND count(*) - 20 FROM chunk)",
        )
        stack.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 90
        while "SIGTERM: stopping" not in stack.log():
            assert time.monotonic() < until, stack.log()
            time.sleep(0.05)
        os.kill(worker, signal.SIGCONT)  # in the middle of its work, and told to stop
    finally:
        assert stack.stop() == 0
    assert not stack.wait_gone()
    assert f"encoder older ({serving.id[:12]})" in stack.log()
    assert "is here too but does not serve; switch to it with: ruiji encoder promote" in stack.log()
    done, claimed, chunks = asked(stack, "SELECT sum(state = 'done'), sum(state = 'claimed'), count(*) FROM chunk")
    assert 0 < done < chunks == 60
    assert claimed == 0
    assert "killed" not in stack.log()
    ledger = Ledger.open(f"sqlite:///{stack.home}/ledger.db")
    job = job_progress(ledger, 1)
    ledger.close()
    assert (job.state, job.encoder_id, job.total, job.bad) == ("running", serving.id, 300, 0)
    assert job.embedded == job.done == 5 * done


def test_help_and_version_are_there() -> None:
    helped = subprocess.run([*RUIJI, "--help"], env=surroundings(), capture_output=True, text=True)
    for name in ("up", "ingest", "search", "status", "data", "worker", "web", "doctor", "bench", "encoder"):
        assert name in helped.stdout
    assert "Exit codes" in helped.stdout
    version = subprocess.run([*RUIJI, "--version"], env=surroundings(), capture_output=True, text=True)
    assert version.stdout.startswith("ruiji ")
