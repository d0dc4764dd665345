"""A key is one request's: sent again it is a repetition, and any other request is told that the key is taken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import update

from catalog import tables
from catalog.api_tokens import add_token
from catalog.artifacts import ArtifactStore
from catalog.ledger import Ledger
from catalog.table_rows import tally_of
from catalog.users import Role
from tests.curate.album import Album, around
from tests.webui.doors import TEST, Person, joined, let_in, program
from tests.webui.room import Room, Visitor, signed_in
from webui.api import answers
from webui.app import create_app
from webui.config import EXTENSION, WebConfig

IMAGES = 40
WRITTEN = (
    *(tables.label, tables.label_batch, tables.label_event, tables.label_state, tables.label_merge),
    *(tables.index_change, tables.audit_event, tables.hunt),
)
Request = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Desk:
    """A small collection, and two people at it."""

    album: Album
    wei: Visitor
    li: Visitor

    def written(self) -> list[str]:
        """All that a change of labels writes."""
        with self.album.ledger.read() as connection:
            return [tally_of(connection, table).sha256 for table in WRITTEN]

    def label(self, *images: int) -> tuple[int, str]:
        """A new label that these images are."""
        name = uuid4().hex
        self.album.decide(name, list(images))
        return next((row["id"], name) for row in self.labels() if row["name"] == name)

    def labels(self) -> list[Any]:
        return list(self.wei.get("/api/v1/labels").json["labels"])

    def hunt(self) -> str:
        return str(self.wei.post("/api/v1/hunts", json={"label": uuid4().hex}).json["id"])

    def batch(self, *images: int, undone: bool = False) -> int:
        body = {"key": uuid4().hex, "label": uuid4().hex, "decision": "yes", "image_ids": images}
        made = int(self.wei.post("/api/v1/labels/decisions", json=body).json["batch"])
        if undone:
            assert self.wei.post(f"/api/v1/batches/{made}/undo", json={"key": uuid4().hex}).json["applied"]
        return made

    def plan(self, *images: int) -> str:
        """The token of a plan to label these images."""
        match = self.wei.post("/api/v1/matches", json={"label": [self.label(*images)[1]]}).json["token"]
        return str(self.wei.post(f"/api/v1/matches/{match}/plan", json={"label": uuid4().hex}).json["token"])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, config: WebConfig) -> Iterator[Desk]:
    home = tmp_path_factory.mktemp("keys")
    album = Album(Ledger.open(f"sqlite:///{home}/ledger.db"), ArtifactStore(home / "artifacts"))
    album.add(around(0, IMAGES))
    here = replace(config, ledger=album.ledger, store=album.store)
    wei, li = (signed_in(create_app(replace(here, author=author))) for author in ("wei", "li"))
    yield Desk(album, wei, li)
    album.ledger.close()


@pytest.fixture(autouse=True)
def _a_run_is_on_offer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three images, in any hunt under any token: a real offer needs thousands."""
    for person in (desk.wei, desk.li):
        hunter = person.application.extensions[EXTENSION].hunter
        monkeypatch.setattr(hunter, "accepted", lambda *_: np.array([21, 22, 23]))
        monkeypatch.setattr(hunter, "close_offer", lambda *_, **__: None)


# Each: a request that writes under a key, and others which differ from it in what they ask for, or of what.


def decisions(desk: Desk) -> list[Request]:
    body = {"label": desk.label(1)[1], "decision": "yes", "image_ids": [2, 3]}
    path = "labels/decisions"
    return [
        (path, body),
        (path, {**body, "image_ids": [3]}),
        (path, {**body, "decision": "no"}),
        (path, {**body, "hunt": "x" * 22}),
        (f"batches/{desk.batch(1)}/undo", {}),
        (path, {**body, "label": f"nothing is called {uuid4().hex} yet"}),
    ]


def review(desk: Desk) -> list[Request]:
    path, body = f"labels/{desk.label(1, 2, 3, 4)[0]}/review", {"kept": [1, 2], "removed": [3]}
    return [(path, body), (f"labels/{desk.label(1, 2, 3)[0]}/review", body), (path, {"kept": [1], "removed": [2, 3]})]


def suggested(desk: Desk) -> list[Request]:
    path, body = f"labels/{desk.label(1)[0]}/suggested", {"yes": [4, 5], "no": [6]}
    return [(path, body), (f"labels/{desk.label(1)[0]}/suggested", body), (path, {"yes": [7], "no": [8]})]


def against(desk: Desk) -> list[Request]:
    one, two, three = (desk.label(4, 5, 6)[0] for _ in range(3))
    body = {"image_ids": [4], "to": "other"}
    return [
        (f"labels/{one}/against/{two}", body),
        (f"labels/{one}/against/{two}", {**body, "to": "neither"}),
        (f"labels/{one}/against/{three}", body),
        (f"labels/{one}/against/{two}", {**body, "image_ids": [5]}),
    ]


def merge(desk: Desk) -> list[Request]:
    one, two, other = desk.label(1, 2), desk.label(3), desk.label(4)
    return [
        (f"labels/{one[0]}/merge", {"into": other[1]}),
        (f"labels/{one[0]}/merge", {"into": two[1]}),
        (f"labels/{two[0]}/merge", {"into": other[1]}),
    ]


def undo(desk: Desk) -> list[Request]:
    batch = desk.batch(1, 2)
    return [(f"batches/{one}/{what}", {}) for one, what in ((batch, "undo"), (batch, "redo"), (desk.batch(3), "undo"))]


def redo(desk: Desk) -> list[Request]:
    batch, other = desk.batch(1, 2, undone=True), desk.batch(3, undone=True)
    return [(f"batches/{one}/{what}", {}) for one, what in ((batch, "redo"), (batch, "undo"), (other, "redo"))]


def hunted(desk: Desk) -> list[Request]:
    path, body = f"hunts/{desk.hunt()}/decisions", {"token": "t", "yes": [1, 2], "no": [3]}
    return [(path, body), (f"hunts/{desk.hunt()}/decisions", body), (path, {**body, "yes": [4]})]


def accepted(desk: Desk) -> list[Request]:
    path, body = f"hunts/{desk.hunt()}/accept", {"token": "t", "accept": True}
    other = f"hunts/{desk.hunt()}/accept"
    return [(path, body), (path, {**body, "accept": False}), (path, {**body, "token": "u"}), (other, body)]


def matched(desk: Desk) -> list[Request]:
    path, body = f"matches/{desk.plan(1, 2)}/decisions", {"decision": "yes", "kinds": ["plain", "other"]}
    return [(path, body), (path, {**body, "decision": "no"}), (f"matches/{desk.plan(3)}/decisions", body)]


KEYED = (decisions, review, suggested, against, merge, undo, redo, hunted, accepted, matched)
all_that_take_a_key = pytest.mark.parametrize("requests", KEYED)


def send(person: Visitor, key: str, asked: Request) -> Any:
    path, body = asked
    return person.post(f"/api/v1/{path}", json={"key": key, **body})


def test_no_request_with_a_key_is_missing_here(desk: Desk, app: Flask) -> None:
    document = desk.wei.get("/api/v1/openapi.json").json
    schemas, keyed = document["components"]["schemas"], set()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            said = json.dumps(operation.get("requestBody", {}))
            for name, one in schemas.items():
                if f'/{name}"' in said and (field := one.get("properties", {}).get("key")):
                    keyed.add(path)
                    assert "key_taken" in field["description"], name
    routes = app.url_map.bind("localhost")
    asked = [routes.match(f"/api/v1/{make(desk)[0][0]}", "POST", return_rule=True)[0].rule for make in KEYED]
    assert {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule) for rule in asked} == keyed


@all_that_take_a_key
def test_the_same_request_again_is_repeated_and_every_other_one_refused(
    desk: Desk, requests: Callable[[Desk], list[Request]]
) -> None:
    key = uuid4().hex
    first, *others = requests(desk)
    done = send(desk.wei, key, first)
    assert (done.status_code, done.json["repeated"]) == (200, False), done.data
    written = desk.written()

    again = send(desk.wei, key, first)
    assert (again.status_code, again.json["repeated"], again.json["batch"]) == (200, True, done.json["batch"])
    turned = json.dumps(dict(reversed([*first[1].items(), ("key", key)])), indent=2)
    headers = {"Content-Type": "application/json"}
    reordered = desk.wei.post(f"/api/v1/{first[0]}", data=turned, headers=headers)
    assert (reordered.status_code, reordered.json) == (200, again.json)

    for person, asked in ((desk.li, first), *((desk.wei, other) for other in others)):
        refused = send(person, key, asked)
        problem = answers.Problem.model_validate_json(refused.data, strict=True).error
        assert (refused.status_code, problem.code, problem.batch) == (409, "key_taken", done.json["batch"]), asked
        assert f"batch {done.json['batch']} " in problem.message and "nothing was written" in problem.message
    assert desk.written() == written

    own = send(desk.wei, uuid4().hex, others[-1])
    assert (own.status_code, own.json["repeated"]) == (200, False), own.data
    assert own.json["batch"] > done.json["batch"]
    assert desk.wei.get(f"/api/v1/batches/{own.json['batch']}").json["batch"]["size"] > 0, "no label is lost"


@all_that_take_a_key
def test_what_was_written_before_requests_were_noted_is_repeated(
    desk: Desk, requests: Callable[[Desk], list[Request]]
) -> None:
    key, asked = uuid4().hex, requests(desk)[0]
    batch = send(desk.wei, key, asked).json["batch"]
    head = tables.label_batch
    with desk.album.ledger.write() as connection:
        connection.execute(update(head).where(head.c.key == key).values(request_sha256=None))
    written = desk.written()
    for person in (desk.wei, desk.li):
        again = send(person, key, asked)
        assert (again.status_code, again.json["batch"], again.json["repeated"]) == (200, batch, True), again.data
    assert desk.written() == written


def test_a_decision_sent_again_after_its_label_was_renamed_makes_no_label(desk: Desk) -> None:
    label, name = desk.label(1)
    choices = ("no", "no", "unknown")  # the second changes nothing
    sent = [("labels/decisions", {"label": name, "decision": what, "image_ids": [1, 7]}) for what in choices]
    keys = [uuid4().hex for _ in sent]
    first = [send(desk.wei, key, asked).json for key, asked in zip(keys, sent, strict=True)]
    desk.wei.patch(f"/api/v1/labels/{label}", json={"name": uuid4().hex})
    written = desk.written()
    for key, asked, done in zip(keys, sent, first, strict=True):
        assert send(desk.wei, key, asked).json == {**done, "repeated": True}
    assert desk.written() == written


def test_a_decision_sent_again_after_its_label_was_merged_is_repeated(desk: Desk) -> None:
    (label, name), (_, into) = desk.label(1), desk.label(2)
    key, asked = uuid4().hex, ("labels/decisions", {"label": name, "decision": "yes", "image_ids": [7]})
    done = send(desk.wei, key, asked).json
    assert send(desk.wei, uuid4().hex, (f"labels/{label}/merge", {"into": into})).json["moved"] == 2
    assert send(desk.wei, key, asked).json == {**done, "repeated": True}


def test_a_person_is_the_same_after_signing_in_again_and_as_a_program(
    guarded: Flask, people: dict[Role, Person], room: Room
) -> None:
    labeller = people["labeller"]
    _, secret = add_token(room.ledger, labeller.id, name="sends again", scope="label", by=TEST)
    key = uuid4().hex
    asked = ("labels/decisions", {"label": "sent again", "decision": "yes", "image_ids": room.unlabelled_ids[:1]})
    first = send(let_in(guarded, labeller.name), key, asked)
    assert first.json["repeated"] is False
    for one in (let_in(guarded, labeller.name), program(guarded, secret)):
        assert send(one, key, asked).json == {**first.json, "repeated": True}
    other = joined(room.ledger, "another labeller", "labeller")
    refused = send(let_in(guarded, other.name), key, asked)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "key_taken")
    back = send(let_in(guarded, labeller.name), uuid4().hex, (f"batches/{first.json['batch']}/undo", {}))
    assert back.json["applied"] == 1
