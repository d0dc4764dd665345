"""Pictures in, neighbours with their labels out, on the stack that `ruiji up` starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.photos import jpeg, scene
from tests.servers.processes import eventually
from tests.stack import Stack


def test_an_upload_brings_its_kind_first_with_labels(stack: Stack) -> None:
    answer = stack.upload(jpeg(scene("grass", 77)), k=20)
    assert answer.status == 200, answer.body
    results = answer.json()["results"]
    assert len(results) == 20
    scores = [result["score"] for result in results]
    assert scores == sorted(scores, reverse=True)
    assert all(-1.001 <= score <= 1.001 for score in scores)
    labels = {label["name"] for result in results[:8] for label in result["labels"]}
    assert labels <= {"grass"}, labels


def own_copy(stack: Stack, picture: bytes, found: list[dict[str, Any]]) -> bool:
    """Whether the first that is found is the picture itself; `found` is what there was this time."""
    found[:] = stack.upload(picture).json()["results"]
    return bool(found[0]["own_copy"])


def test_the_querys_own_copy_is_marked(stack: Stack, photos: Path) -> None:
    picture = (photos / "labelled" / "sky" / "00003.jpg").read_bytes()
    # A Milvus server may leave out of an answer what was written in the last seconds (docs/INDEX.md: Bounded).
    found: list[dict[str, Any]] = []
    eventually(lambda: own_copy(stack, picture, found), within_s=60)
    first = found[0]
    assert first["score"] > 0.99
    assert first["path"].endswith("sky/00003.jpg")
    assert [label["name"] for label in first["labels"]] == ["sky"]


def test_unlabelled_results_carry_a_suggestion(stack: Stack) -> None:
    results = stack.upload(jpeg(scene("brick", 5)), k=30, unlabelled="true", suggest="true").json()["results"]
    assert results
    assert not any(result["labels"] for result in results)
    assert {result["suggestion"]["name"] for result in results if result["suggestion"]} <= {"sky", "grass", "brick"}
    assert any(result["suggestion"] for result in results)


def test_ingesting_again_does_only_what_is_missing(stack: Stack, photos: Path) -> None:
    (photos / "unlabelled" / "new.jpg").write_bytes(jpeg(scene("sky", 424242)))
    (photos / "unlabelled" / "broken.jpg").write_bytes(b"\xff\xd8 this is not a picture")
    job = stack.wait_job(stack.ingest(photos / "unlabelled"))
    assert (job["embedded"], job["bad"]) == (1, 1), job
    assert job["known"] == 60, job
    bad = stack.request("GET", f"/api/v1/jobs/{job['id']}/bad").json()
    assert "broken.jpg" in str(bad)


def test_a_moved_file_keeps_its_labels(stack: Stack, photos: Path) -> None:
    old = photos / "labelled" / "brick" / "00001.jpg"
    found = stack.upload(old.read_bytes()).json()["results"][0]
    assert found["own_copy"]
    decided = stack.post(
        "/api/v1/labels/decisions",
        {"key": "moved-file-test", "label": "chimney", "decision": "yes", "image_ids": [found["image_id"]]},
    )
    assert decided.status == 200, decided.body
    moved = photos / "labelled" / "brick" / "renamed.jpg"
    old.rename(moved)
    stack.wait_job(stack.ingest(photos / "labelled", labels_from_folders=True))
    again = stack.upload(moved.read_bytes()).json()["results"][0]
    assert again["image_id"] == found["image_id"]
    assert {label["name"] for label in again["labels"]} == {"brick", "chimney"}
    assert again["path"].endswith("renamed.jpg")


def test_confirming_twice_labels_once_and_undo_restores(stack: Stack) -> None:
    results = stack.upload(jpeg(scene("sky", 1)), k=10, unlabelled="true").json()["results"]
    body = {
        "key": "confirm-twice",
        "label": "cloud",
        "decision": "yes",
        "image_ids": [result["image_id"] for result in results],
    }
    first, second = stack.post("/api/v1/labels/decisions", body), stack.post("/api/v1/labels/decisions", body)
    assert first.json()["applied"] == 10
    assert second.json()["repeated"]
    after = stack.upload(jpeg(scene("sky", 1)), k=10, unlabelled="true").json()["results"]
    assert not {result["image_id"] for result in after} & set(body["image_ids"])
    undone = stack.post(f"/api/v1/batches/{first.json()['batch']}/undo", {"key": "undo-once"})
    assert undone.status == 200, undone.body

    def are_back() -> bool:
        back = stack.upload(jpeg(scene("sky", 1)), k=10, unlabelled="true").json()["results"]
        return {result["image_id"] for result in back} == set(body["image_ids"])

    # A Milvus server shows what was written in the last moments a little later (Bounded consistency).
    eventually(are_back, within_s=60)


def test_not_an_image_is_refused_with_the_reason(stack: Stack) -> None:
    answer = stack.upload(b"GIF89a and then nonsense")
    assert answer.status == 422
    assert answer.json()["error"]["message"]


def test_every_listener_is_on_loopback(stack: Stack) -> None:
    inodes = set()
    for pid in stack.processes():
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = link.readlink().name
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    listening = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                listening.append(columns[1].split(":")[0])
    assert listening, "nothing listens: the test looks in the wrong place"
    loopback = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
    assert set(listening) <= loopback, listening
