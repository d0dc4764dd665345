"""Exports over HTTP: stated first, streamed, and plainly broken off where they are."""

from __future__ import annotations

import contextlib
import csv
import http.client
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from curate.exports.formats import Format
from deploy.ports import listen
from tests.webui.room import Room, Visitor
from webui.api import answers_exports, exports

ROOT = Path(__file__).resolve().parents[2]
# gunicorn as we start it, around an export that fails after its first pieces.
BREAKS_OFF = """
import sys
from deploy.gunicorn_server import WebServer
from settings import Settings
from webui.api.exports import until_done

def pieces():
    yield b"x" * 70000
    if "/fail" in path:
        raise OSError(5, "the disk went away")

def application(environ, start_response):
    global path
    path = environ["PATH_INFO"]
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return until_done(b"first", pieces(), done=lambda: None)

class Server(WebServer):
    def load(self):
        return application

Server(Settings(), bind=sys.argv[1]).run()
"""


def label_id(person: Visitor, name: str) -> int:
    return int(next(row["id"] for row in person.get("/api/v1/labels").json["labels"] if row["name"] == name))


@pytest.mark.parametrize("format", list(Format))
def test_what_is_stated_is_what_comes(person: Visitor, room: Room, format: Format) -> None:
    sky = label_id(person, "sky")
    answer = person.get(f"/api/v1/export/plan?format={format.value}&label={sky}")
    stated = answers_exports.ExportPlan.model_validate_json(answer.data, strict=True)
    assert (stated.labels, stated.images, stated.decisions) == (1, 10, 10)
    came = person.get(f"/api/v1/export?format={format.value}&label={sky}")
    assert came.status_code == 200
    assert came.mimetype == "application/octet-stream"
    assert came.headers["Content-Disposition"] == f'attachment; filename="{stated.file}"'
    assert "Content-Length" not in came.headers, "nobody has read all of it first"
    if format is Format.CSV:
        assert len(list(csv.DictReader(io.StringIO(came.text)))) == 10
    if stated.file.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(came.data)) as archive:
            assert "left-out.txt" not in archive.namelist(), archive.read("left-out.txt")
            photos = [one for one in archive.infolist() if one.filename.endswith((".jpg", ".jpeg"))]
        assert (len(photos), sum(one.file_size for one in photos)) == (10, stated.photo_bytes)
    elif format is not Format.PARQUET:
        assert stated.photo_bytes == 0


def test_without_a_label_all_are_meant_and_refusals_are_clear(person: Visitor, room: Room) -> None:
    stated = person.get("/api/v1/export/plan?format=coco&rejected=true").json
    assert stated["images"] >= room.labelled
    assert len(json.loads(person.get("/api/v1/export?format=coco").data)["images"]) == stated["images"]
    for query, status, code in (
        ("format=coco&label=987654", 404, "unknown_label"),
        ("format=exe", 400, "invalid_value"),
        ("label=sky", 400, "invalid_value"),
    ):
        for path in ("export", "export/plan"):
            answer = person.get(f"/api/v1/{path}?{query}")
            assert (answer.status_code, answer.json["error"]["code"]) == (status, code)


def test_labels_are_named_in_runs_or_by_what_is_left_out(person: Visitor) -> None:
    known = sorted(row["id"] for row in person.get("/api/v1/labels").json["labels"])
    each = "&".join(f"label={one}" for one in known[:-1])
    asked = (each, f"labels={known[0]}-{known[-1] - 1}", f"without={known[-1]}", f"without={known[-1]}-999999999")
    plans = [person.get(f"/api/v1/export/plan?format=csv&{one}").json for one in asked]
    assert plans[0]["images"] > 0
    assert plans == [plans[0]] * len(asked)
    files = [person.get(f"/api/v1/export?format=csv&{one}").data for one in asked]
    assert files == [files[0]] * len(asked)
    for query, status, code in (
        ("labels=987654", 404, "unknown_label"),
        ("labels=3-2", 400, "invalid_value"),
        ("labels=1,,2", 400, "invalid_value"),
        (f"without={known[0]}&label={known[0]}", 400, "invalid_value"),
    ):
        answer = person.get(f"/api/v1/export/plan?{query}")
        assert (answer.status_code, answer.json["error"]["code"]) == (status, code), query


def test_a_label_that_nothing_carries_is_not_counted(person: Visitor) -> None:
    before = person.get("/api/v1/export/plan").json
    assert person.post("/api/v1/labels", json={"name": "on nothing yet"}).status_code in (200, 201)
    assert person.get("/api/v1/export/plan").json == before


def test_a_failure_before_the_first_piece_is_an_ordinary_refusal(
    person: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = person.get("/api/v1/export?format=parquet")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "export_refused")
    assert "pip install pyarrow" in answer.json["error"]["message"]
    monkeypatch.undo()
    assert person.get("/api/v1/export?format=parquet").status_code == 200


def test_no_more_than_a_few_at_once_and_each_gives_its_place_back(person: Visitor) -> None:
    for _ in range(exports.AT_ONCE + 1):
        assert person.get("/api/v1/export?format=csv").status_code == 200
    with contextlib.ExitStack() as held:
        for _ in range(exports.AT_ONCE):
            assert exports.under_way.acquire(timeout=60)
            held.callback(exports.under_way.release)
        refused = person.get("/api/v1/export?format=csv")
        assert (refused.status_code, refused.json["error"]["code"]) == (503, "too_many_exports")
    assert person.get("/api/v1/export?format=csv").status_code == 200


def test_a_download_that_breaks_off_is_noticed_by_the_client() -> None:
    with listen("127.0.0.1", 0, exactly=True) as door:  # who comes before the server is up waits in front of it
        command = [sys.executable, "-c", BREAKS_OFF, f"fd://{door.fileno()}"]
        server = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=(door.fileno(),)
        )
        port = door.getsockname()[1]
    with server:
        try:
            assert len(fetch(port, "/whole")) == 70_005
            with pytest.raises(http.client.IncompleteRead):
                fetch(port, "/fail")
        finally:
            server.terminate()
            said = server.communicate(timeout=120)[1].decode()
    assert "an export broke off" in said


def fetch(port: int, path: str) -> bytes:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("GET", path)
        return bytes(connection.getresponse().read())
