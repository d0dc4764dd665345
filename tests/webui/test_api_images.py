"""Images to browse over HTTP: the newest that meet the conditions, without a picture to search by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from catalog.artifacts import ArtifactStore
from catalog.images import delete_images
from catalog.ledger import Ledger
from tests.curate.album import Album, around
from tests.webui.room import Visitor, signed_in
from webui.api import answers_images
from webui.app import create_app
from webui.config import WebConfig


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Album]:
    """100 images, of which 11 to 30 are sky and the 99th is gone."""
    home = tmp_path_factory.mktemp("browsed")
    album = Album(Ledger.open(f"sqlite:///{home}/ledger.db"), ArtifactStore(home / "artifacts"))
    album.add(around(0, 100))
    album.decide("sky", list(range(11, 31)))
    delete_images(album.ledger, [99])
    yield album
    album.ledger.close()


@pytest.fixture(scope="module")
def person(album: Album, config: WebConfig) -> Visitor:
    """Somebody at the page of that collection."""
    return signed_in(create_app(replace(config, ledger=album.ledger, store=album.store)))


def browsed(person: Visitor, query: str) -> Any:
    answer = person.get(f"/api/v1/images?{query}")
    assert answer.status_code == 200, answer.data
    return answer.json


def ids(found: Any) -> list[int]:
    return [one["image_id"] for one in found["results"]]


def test_the_newest_come_first_and_what_is_gone_does_not(person: Visitor) -> None:
    found = browsed(person, "k=5")
    assert ids(found) == [100, 98, 97, 96, 95]
    assert not found["exhausted"]
    assert {one["score"] for one in found["results"]} == {None}
    every = browsed(person, "k=99")
    assert (len(every["results"]), every["exhausted"]) == (99, True)
    answers_images.Browsed.model_validate(every, strict=True)


def test_the_conditions_of_a_search_narrow_them(person: Visitor) -> None:
    sky = browsed(person, "label=sky")
    assert ids(sky) == list(range(30, 10, -1))
    assert sky["exhausted"]
    bare = browsed(person, "unlabelled=true&k=100")
    assert len(ids(bare)) == 79
    assert not set(ids(bare)) & set(ids(sky))
    assert {one["suggestion"]["name"] for one in bare["results"]} == {"sky"}
    assert ids(browsed(person, "label=sky&unlabelled=true")) == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("label=nobody", 404, "unknown_label"),
        ("source=987", 404, "unknown_source"),
        ("min_score=0.5", 400, "no_query"),
        ("k=0", 400, "invalid_value"),
        ("image_id=1", 400, "invalid_value"),
    ],
)
def test_what_cannot_be_browsed_is_refused(person: Visitor, query: str, status: int, code: str) -> None:
    answer = person.get(f"/api/v1/images?{query}")
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
