"""Hunts outlive a restart, are shared by several people, and count what they found from the events."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from catalog.artifacts import ArtifactMissing, ArtifactStore
from catalog.decided import DecidedImages, decided
from catalog.errors import HuntChanged, InvalidHunt, UnknownHunt, UnknownImage, UnknownLabel
from catalog.hunt_examples import MOST_EXAMPLES, add_image, add_upload, list_examples, remove_example
from catalog.hunts import count_hunt, create_hunt, delete_hunt, finish_hunt, get_hunt, list_hunts, save_hunt
from catalog.images import delete_images
from catalog.labels import Decision, ensure_label, record, undo
from catalog.ledger import Ledger
from catalog.orphans import remove_orphans
from catalog.tables import hunt_example
from tests.catalog.deciding import count, say


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def test_a_hunt_is_made_saved_finished_and_taken_up_again(any_ledger: Ledger) -> None:
    plane = ensure_label(any_ledger, "plane")
    hunt = create_hunt(any_ledger, label_id=plane.id, author="wei", name="  all planes ", state={"page": 60})
    assert (len(hunt.id), hunt.name, hunt.version, dict(hunt.state)) == (22, "all planes", 1, {"page": 60})
    assert get_hunt(any_ledger, hunt.id) == hunt
    saved = save_hunt(any_ledger, hunt.id, version=1, state={"page": 60, "jump": [0, 64]})
    assert (saved.version, saved.name, saved.state["jump"]) == (2, "all planes", [0, 64])
    finished = finish_hunt(any_ledger, hunt.id)
    assert finished.finished_at is not None
    assert finish_hunt(any_ledger, hunt.id).finished_at == finished.finished_at
    assert finish_hunt(any_ledger, hunt.id, finished=False).finished_at is None
    ids = {create_hunt(any_ledger, label_id=plane.id, author="wei").id for _ in range(20)}
    assert len(ids) == 20
    assert get_hunt(any_ledger, hunt.id).version == 2, "others go on beside it"


def test_of_two_who_save_at_once_the_second_reads_again(any_ledger: Ledger) -> None:
    hunt = create_hunt(any_ledger, label_id=ensure_label(any_ledger, "plane").id, author="wei")
    save_hunt(any_ledger, hunt.id, version=hunt.version, state={"of": "wei"})
    with pytest.raises(HuntChanged) as refused:
        save_hunt(any_ledger, hunt.id, version=hunt.version, state={"of": "li"})
    assert refused.value.version == 2
    assert get_hunt(any_ledger, hunt.id).state == {"of": "wei"}
    assert save_hunt(any_ledger, hunt.id, version=2, state={"of": "both"}).version == 3


def test_what_a_hunt_cannot_hold_is_refused(any_ledger: Ledger, images: list[int], store: ArtifactStore) -> None:
    plane = ensure_label(any_ledger, "plane")
    with pytest.raises(UnknownLabel):
        create_hunt(any_ledger, label_id=4711, author="wei")
    with pytest.raises(InvalidHunt, match="200"):
        create_hunt(any_ledger, label_id=plane.id, author="wei", name="x" * 201)
    for wrong in ({"x": "y" * 70_000}, {"x": float("nan")}, {"x": object()}):
        with pytest.raises(InvalidHunt):
            create_hunt(any_ledger, label_id=plane.id, author="wei", state=wrong)
    hunt = create_hunt(any_ledger, label_id=plane.id, author="wei", name="\udce9\x00")
    with pytest.raises(UnknownImage):
        add_image(any_ledger, hunt.id, 4711, sign=1, author="wei")
    for call in (
        lambda: get_hunt(any_ledger, "x" * 22),
        lambda: count_hunt(any_ledger, "x" * 22),
        lambda: save_hunt(any_ledger, "x" * 22, version=1, state={}),
        lambda: finish_hunt(any_ledger, "x" * 22),
        lambda: delete_hunt(any_ledger, store, "x" * 22),
        lambda: add_image(any_ledger, "x" * 22, images[0], sign=1, author="wei"),
        lambda: add_upload(any_ledger, store, "x" * 22, data=b"x", sign=1, author="wei"),
        lambda: remove_example(any_ledger, store, "x" * 22, 1),
    ):
        with pytest.raises(UnknownHunt):
            call()
    assert list(store.list()) == []


def test_examples_change_their_sign_and_go(any_ledger: Ledger, images: list[int], store: ArtifactStore) -> None:
    hunt = create_hunt(any_ledger, label_id=ensure_label(any_ledger, "plane").id, author="wei")
    first = add_image(any_ledger, hunt.id, images[0], sign=1, author="wei")
    again = add_image(any_ledger, hunt.id, images[0], sign=-1, author="li")
    assert (again.id, again.sign, again.author, again.kind) == (first.id, -1, "li", "image")
    upload = add_upload(any_ledger, store, hunt.id, data=b"a picture", sign=1, author="wei")
    assert upload.sha256 == hashlib.sha256(b"a picture").hexdigest()
    assert upload.kind == "upload" and upload.picture is not None
    assert store.get(upload.picture) == b"a picture"
    other = add_upload(any_ledger, store, hunt.id, data=b"a picture", sign=-1, author="wei")
    assert (other.id, other.picture, other.sign) == (upload.id, upload.picture, -1)
    assert len(list(store.list())) == 1
    delete_images(any_ledger, [images[0]])
    assert [(one.kind, one.there) for one in list_examples(any_ledger, hunt.id)] == [("image", False), ("upload", True)]
    assert remove_example(any_ledger, store, hunt.id, upload.id)
    assert not remove_example(any_ledger, store, hunt.id, upload.id)
    assert list(store.list()) == []
    assert len(list_examples(any_ledger, hunt.id)) == 1


def test_examples_have_an_end(ledger: Ledger, store: ArtifactStore) -> None:
    hunt = create_hunt(ledger, label_id=ensure_label(ledger, "plane").id, author="wei")
    upload = {"hunt_id": hunt.id, "sign": 1, "kind": "upload", "author": "wei", "at": 1.0}
    with ledger.write() as connection:
        rows = [{**upload, "sha256": str(number), "picture": f"x/{number}"} for number in range(MOST_EXAMPLES)]
        connection.execute(hunt_example.insert(), rows)
    with pytest.raises(InvalidHunt, match="1000"):
        add_upload(ledger, store, hunt.id, data=b"one more", sign=1, author="wei")
    assert list(store.list()) == []


def test_a_deleted_hunt_leaves_its_decisions_and_no_files(
    any_ledger: Ledger, images: list[int], store: ArtifactStore
) -> None:
    plane = ensure_label(any_ledger, "plane")
    hunt = create_hunt(any_ledger, label_id=plane.id, author="wei")
    add_image(any_ledger, hunt.id, images[0], sign=1, author="wei")
    kept = add_upload(any_ledger, store, hunt.id, data=b"a picture", sign=1, author="wei").picture
    record(any_ledger, key="1", author="wei", decisions=[Decision(images[0], plane.id, "yes")], hunt=hunt.id)
    assert kept is not None
    delete_hunt(any_ledger, store, hunt.id)
    with pytest.raises(ArtifactMissing):
        store.get(kept)
    assert list_hunts(any_ledger, limit=10) == []
    assert count(any_ledger, "hunt_example") == 0
    assert count(any_ledger, "label_event") == 1


def test_a_picture_that_no_hunt_names_is_an_orphan(ledger: Ledger, store: ArtifactStore) -> None:
    hunt = create_hunt(ledger, label_id=ensure_label(ledger, "plane").id, author="wei")
    kept = add_upload(ledger, store, hunt.id, data=b"kept", sign=1, author="wei").picture
    store.put("hunts/left-behind", b"x")
    for key in store.list():
        path = store.local_path(key)
        assert path is not None
        os.utime(path, (time.time() - 7200,) * 2)
    assert remove_orphans(ledger, store, "hunts", hunt_example.c.picture, True) == 1
    assert list(store.list()) == [kept]


def test_a_hunt_counts_what_it_decided_by_what_holds_now(any_ledger: Ledger, images: list[int]) -> None:
    plane, bird = ensure_label(any_ledger, "plane", group="kind"), ensure_label(any_ledger, "bird", group="kind")
    hunt, other = (create_hunt(any_ledger, label_id=plane.id, author="wei") for _ in range(2))
    say(any_ledger, "before", (images[9], plane.id, "yes"))

    def hunted(key: str, *decisions: Decision) -> int:
        return record(any_ledger, key=key, author="wei", decisions=decisions, hunt=hunt.id, encoder_id="e").batch_id

    yes = hunted("1", *(Decision(image, plane.id, "yes", score=0.5) for image in images[:4]))
    hunted("2", Decision(images[4], plane.id, "no"), Decision(images[5], bird.id, "yes"))

    def counts(hunt_id: str) -> tuple[int, int]:
        now = count_hunt(any_ledger, hunt_id)
        return now.found, now.rejected

    assert (counts(hunt.id), counts(other.id)) == ((4, 1), (0, 0))
    say(any_ledger, "3", (images[0], plane.id, "no"))
    assert counts(hunt.id) == (3, 2), "somebody changed a decision of the hunt"
    delete_images(any_ledger, [images[1]])
    assert counts(hunt.id) == (2, 2)
    undone = undo(any_ledger, yes, author="wei", key="u").batch_id
    assert counts(hunt.id) == (0, 2)
    undo(any_ledger, undone, author="wei", key="r")
    assert counts(hunt.id) == (2, 2)
    finish_hunt(any_ledger, hunt.id)
    assert [row.hunt.id for row in list_hunts(any_ledger, limit=10)] == [other.id, hunt.id], "those under way first"
    assert [row.found for row in list_hunts(any_ledger, limit=1, offset=1)] == [2]


def test_examples_to_rank_by_are_the_latest_and_know_who_decided(any_ledger: Ledger, images: list[int]) -> None:
    plane, bird, car = (ensure_label(any_ledger, name, group="kind") for name in ("plane", "bird", "car"))
    red = ensure_label(any_ledger, "red")
    say(any_ledger, "f", (images[0], plane.id, "yes"), (images[1], bird.id, "yes"), origin="folder")
    say(any_ledger, "i", (images[2], plane.id, "no"), origin="import")
    for number, image in enumerate(images[3:6]):
        say(any_ledger, f"p{number}", (image, plane.id, "yes"))
    say(any_ledger, "n", (images[6], plane.id, "no"), (images[7], red.id, "yes"))
    say(any_ledger, "c", (images[8], car.id, "yes"), (images[6], bird.id, "yes"), (images[9], car.id, "no"))
    delete_images(any_ledger, [images[4]])
    found = decided(any_ledger, plane.id, limit=10)
    assert found.positives == DecidedImages(person=(images[5], images[3]), folder=(images[0],))
    assert sorted(found.negatives.person) == [images[6], images[8]]
    assert found.negatives.folder == (images[2], images[1])
    assert decided(any_ledger, plane.id, limit=1).positives == DecidedImages((images[5],), (images[0],))
    assert decided(any_ledger, red.id, limit=9).negatives == DecidedImages((), ())
    with pytest.raises(UnknownLabel):
        decided(any_ledger, 4711, limit=1)
