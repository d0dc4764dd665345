"""Milvus loses everything: the shards fill it again, the answers stay, no model runs; and stopping leaves nothing."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

from tests.photos import write_folder
from tests.stack import Stack


def answers(stack: Stack, images: list[int]) -> list[list[tuple[int, float]]]:
    """Search by each image: ids and scores."""
    found = []
    for image in images:
        answer = stack.post("/api/v1/search", {"image_id": image, "k": 10})
        assert answer.status == 200, answer.body
        found.append([(result["image_id"], round(result["score"], 4)) for result in answer.json()["results"]])
    return found


def stop_by(stack: Stack, number: signal.Signals) -> None:
    """End it as Ctrl-C or a service manager does: orderly, and with no process left behind."""
    assert len(stack.processes()) >= 6
    assert stack.stop(number) == 0
    left = stack.wait_gone()
    assert not left, f"{number.name} left {left}"


def test_an_emptied_milvus_is_refilled_from_shards(tmp_path: Path) -> None:
    write_folder(tmp_path / "photos", per_kind=15, labelled=True)
    stack = Stack(home=tmp_path / "home", allowed_root=tmp_path / "photos")
    stack.start()
    try:
        stack.wait_job(stack.ingest(tmp_path / "photos", labels_from_folders=True))
        images = [1, 7, 30]
        before = answers(stack, images)
        stop_by(stack, signal.SIGINT)

        shards = {path: path.stat().st_mtime_ns for path in (stack.home / "artifacts" / "shards").rglob("*.*")}
        assert shards
        shutil.rmtree(stack.home / "milvus")
        mended = stack.command("doctor", "--repair")
        assert mended.returncode == 0, mended.stdout + mended.stderr

        stack.start()
        assert answers(stack, images) == before
        assert shards == {path: path.stat().st_mtime_ns for path in (stack.home / "artifacts" / "shards").rglob("*.*")}
        workers: list[dict[str, Any]] = stack.request("GET", "/api/v1/status").json()["workers"]
        assert workers
        assert sum(worker["images"] for worker in workers if "embed" in json.dumps(worker["queues"])) == 0
        stop_by(stack, signal.SIGTERM)
    finally:
        stack.stop()
    assert not stack.wait_gone()
