"""A confirm of a hundred thousand images over HTTP: sent once, sent again, sent twice at once, and taken back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from catalog.ledger import Ledger
from tests.catalog.large import IMAGES, fill
from tests.webui.room import Visitor, signed_in
from webui.app import create_app
from webui.config import WebConfig


@pytest.fixture(scope="module")
def person(config: WebConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Somebody at the page of a ledger with 100,000 images; no query worker is needed."""
    ledger = Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('large')}/ledger.db")
    fill(ledger)
    yield signed_in(create_app(replace(config, ledger=ledger)))
    ledger.close()


def confirm(person: Visitor, key: str, images: range = range(1, IMAGES + 1)) -> Any:
    wanted = {"key": key, "label": "all of it", "decision": "yes", "image_ids": list(images)}
    answer = person.post("/api/v1/labels/decisions", json=wanted)
    assert answer.status_code == 200, answer.data[:1000]
    return answer.json


def test_a_hundred_thousand_are_confirmed_once_and_taken_back(person: Visitor) -> None:
    done = confirm(person, "all")
    assert (done["applied"], done["unchanged"], done["repeated"]) == (IMAGES, 0, False)
    again = confirm(person, "all")
    assert (again["batch"], again["applied"], again["repeated"]) == (done["batch"], IMAGES, True)
    undone = person.post(f"/api/v1/batches/{done['batch']}/undo", json={"key": "back"}).json
    assert (undone["applied"], undone["unchanged"]) == (IMAGES, 0)
    redone = person.post(f"/api/v1/batches/{done['batch']}/redo", json={"key": "forth"}).json
    assert (redone["applied"], redone["unchanged"]) == (IMAGES, 0)
    label = next(row for row in person.get("/api/v1/labels").json["labels"] if row["name"] == "all of it")
    assert label["yes"] > 0
    one_more = person.post(
        "/api/v1/labels/decisions",
        json={"key": "more", "label": "all of it", "decision": "no", "image_ids": list(range(1, IMAGES + 2))},
    )
    assert (one_more.status_code, one_more.json["error"]["code"]) == (400, "invalid_value")


def test_the_same_confirm_sent_twice_at_once_is_one_batch(person: Visitor) -> None:
    answers: list[Any] = []
    pages = [signed_in(person.application) for _ in range(2)]
    images = range(1, 20_001)

    def send(page: Visitor) -> None:
        answers.append(confirm(page, "twice", images))

    threads = [threading.Thread(target=send, args=(page,)) for page in pages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer["batch"] for answer in answers}) == 1
    assert sorted(answer["repeated"] for answer in answers) == [False, True]
    history = person.get("/api/v1/batches?limit=100").json["batches"]
    assert sum(row["id"] == answers[0]["batch"] for row in history) <= 1
