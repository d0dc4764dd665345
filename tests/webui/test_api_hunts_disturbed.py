"""Hunts that something comes between: another person, a page that closes, a deleted image, a new ingest, a new encoder.

In a room of its own, since its images come and go.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from bench.other_encoder import different
from catalog.encoders import Encoder, promote
from deploy.encoder_setup import SHIPPED, set_up_encoder
from encoder.embed import Embedder
from tests.webui.room import Room, Visitor, furnished, ingest, signed_in
from webui.app import create_app
from webui.config import WebConfig
from worker.client import Client


@dataclass
class Two:
    """Two people, each at a server of their own on the same installation."""

    room: Room
    wei: Visitor
    li: Visitor

    def hunt(self) -> str:
        sky = self.room.image_id("unlabelled/01000-0.jpg")
        made = self.wei.post("/api/v1/hunts", json={"label": uuid4().hex, "examples": [{"image_id": sky}]})
        assert made.status_code == 201, made.data
        return str(made.json["id"])


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with furnished(tmp_path_factory.mktemp("disturbed")) as room, closing(Client(room.broker_url)) as client:
        people = (
            WebConfig(
                ledger=room.ledger,
                index=room.index,
                store=room.store,
                client=client,
                secret_key=b"a key for tests, 32 bytes long..",
                allowed_roots=(room.photos,),
                author=author,
            )
            for author in ("wei", "li")
        )
        wei, li = (signed_in(create_app(config)) for config in people)
        yield Two(room, wei, li)


def step(person: Visitor, hunt: str) -> Any:
    answer = person.post(f"/api/v1/hunts/{hunt}/step", json={})
    assert answer.status_code == 200, answer.data
    return answer.json


def ids(offered: Any) -> list[int]:
    return [result["image_id"] for result in offered["results"]]


def decide(person: Visitor, hunt: str, yes: list[int], no: list[int], **changes: Any) -> Any:
    body = {"key": uuid4().hex, "token": "t", "yes": yes, "no": no, **changes}
    answer = person.post(f"/api/v1/hunts/{hunt}/decisions", json=body)
    assert answer.status_code == 200, answer.data
    return answer.json


def label_of(person: Visitor, hunt: str) -> str:
    return str(person.get(f"/api/v1/hunts/{hunt}").json["label"]["name"])


def states(person: Visitor, hunt: str, images: list[int]) -> list[str]:
    """What each image is to the hunt's label now."""
    label, found = label_of(person, hunt), []
    for image in images:
        labels = person.get(f"/api/v1/images/{image}").json["labels"]
        found.append(next((one["state"] for one in labels if one["name"] == label), "unknown"))
    return found


def test_two_people_on_one_hunt_lose_nothing_and_the_later_decision_holds(two: Two) -> None:
    hunt = two.hunt()
    shown = ids(step(two.wei, hunt))
    assert ids(step(two.li, hunt)) == shown, "a page that nobody has decided is there for both"
    first = decide(two.wei, hunt, shown[:6], shown[6:8])
    # The other one had the same page open, and sees some of it otherwise.
    second = decide(two.li, hunt, shown[5:7], shown[4:5])
    assert states(two.wei, hunt, shown[:8]) == ["yes"] * 4 + ["no", "yes", "yes", "no"]
    assert (second["found"], second["rejected"]) == (6, 2)
    for person in (two.wei, two.li):
        assert not set(shown[:8]) & set(ids(step(person, hunt)))
        batch = person.get(f"/api/v1/batches/{second['batch']}").json
        said = {(row["image_id"], row["first_author"], row["first"], row["then"]) for row in batch["conflicts"]}
        assert said == {(shown[4], "wei", "yes", "no"), (shown[6], "wei", "no", "yes")}
    undone = two.li.post(f"/api/v1/batches/{second['batch']}/undo", json={"key": uuid4().hex}).json
    assert (undone["applied"], undone["unchanged"]) == (2, 0)
    assert states(two.li, hunt, shown[:8]) == ["yes"] * 6 + ["no"] * 2, "the first one's decisions are there again"
    assert first["applied"] == 8


def test_contradicting_decisions_of_one_person_leave_the_last_and_a_hunt_that_goes_on(two: Two) -> None:
    hunt = two.hunt()
    shown = ids(step(two.wei, hunt))[-4:]  # without the example itself
    for yes, no in ((shown, []), ([], shown), (shown[:2], shown[2:]), ([], shown)):
        decide(two.wei, hunt, yes, no)
    assert states(two.wei, hunt, shown) == ["no"] * 4
    assert step(two.wei, hunt)["kind"] == "page"
    history = two.wei.get("/api/v1/batches?limit=4").json["batches"]
    assert [row["size"] for row in history] == [2, 2, 4, 4]


def test_a_page_that_closes_before_it_is_decided_has_decided_nothing(two: Two) -> None:
    hunt = two.hunt()
    before = two.wei.get("/api/v1/batches?limit=1").json
    shown = step(two.wei, hunt)
    again = step(signed_in(two.wei.application), hunt)
    assert (ids(again), again["found"], again["rejected"]) == (ids(shown), 0, 0)
    assert two.wei.get("/api/v1/batches?limit=1").json == before


def test_an_image_deleted_and_ingested_again_in_mid_hunt(two: Two) -> None:
    hunt, room = two.hunt(), two.room
    shown = ids(step(two.wei, hunt))
    gone, other = shown[1], shown[2]
    decide(two.wei, hunt, shown[:2], [])
    for image in (gone, other):
        assert two.li.delete(f"/api/v1/images/{image}").status_code == 200
    # The page that is still open holds the one that is gone: the others' decisions are not lost for it.
    done = decide(two.wei, hunt, [other, shown[3]], [shown[4]])
    assert done["applied"] == 3
    left = step(two.wei, hunt)
    assert not {gone, other} & set(ids(left))
    assert two.wei.get(f"/api/v1/images/{gone}").status_code == 404
    embedder = Embedder.load(SHIPPED, engine="openvino", threads=1)
    for path in (room.photos / "unlabelled", room.photos / "labelled"):
        for photo in path.rglob("*.jpg"):
            photo.touch()
        ingest(room.ledger, room.store, room.index, embedder, path)
    assert states(two.wei, hunt, [*shown[:4], shown[4]]) == ["yes"] * 4 + ["no"]
    assert not set(shown[:5]) & set(ids(step(two.wei, hunt))), "what came back is decided as it was"


@pytest.fixture
def second(two: Two) -> Iterator[Encoder]:
    """Another encoder with the vectors of every image; afterwards the first one serves again."""
    from catalog.chunks import claim_chunk
    from catalog.embed_again import embed_lacking
    from catalog.index_queue import claim_shard
    from catalog.indexing import index_one_shard
    from catalog.jobs import complete_jobs
    from ingest.pool import DecodePool
    from ingest.stream import embed_chunk

    room = two.room
    folder = different(room.home / "second", "second")
    encoder = set_up_encoder(room.ledger, room.store, folder)
    room.index.ensure_collection(encoder.collection, encoder.dimension)
    embed_lacking(room.ledger, encoder.id, author="test")
    embedder = Embedder.load(folder, engine="openvino", threads=1)
    with closing(DecodePool(1, size=embedder.input_size)) as pool:
        while chunk := claim_chunk(room.ledger, worker="test", lease_s=60, encoder_ids=[encoder.id]):
            assert embed_chunk(room.ledger, room.store, chunk, embed=embedder.embed, pool=pool).state == "committed"
    while shard := claim_shard(room.ledger, worker="test", lease_s=60):
        index_one_shard(room.ledger, room.store, room.index, shard)
    complete_jobs(room.ledger)
    yield encoder
    promote(room.ledger, room.encoder.id)


def test_an_encoder_switched_in_mid_hunt_ranks_anew_and_keeps_every_decision(two: Two, second: Encoder) -> None:
    hunt = two.hunt()
    offered = step(two.wei, hunt)
    shown = ids(offered)
    assert offered["encoder"] == two.room.encoder.id
    decide(two.wei, hunt, shown[:5], shown[5:10], encoder=offered["encoder"])
    open_page = step(two.wei, hunt)
    switched = two.li.post(f"/api/v1/encoders/{second.id}/promote", json={})
    assert switched.status_code == 200, switched.data
    # What was on the screen during the switch is decided as it was seen.
    late = ids(open_page)[:3]
    assert decide(two.wei, hunt, late, [], encoder=open_page["encoder"])["found"] == 8
    offered = step(two.wei, hunt)
    assert (offered["encoder"], offered["found"], offered["rejected"]) == (second.id, 8, 5)
    assert not {*shown[:10], *late} & set(ids(offered))
    assert states(two.wei, hunt, [*shown[:10], *late]) == ["yes"] * 5 + ["no"] * 5 + ["yes"] * 3
