"""No label is lost when files are renamed, edited, copied, or cannot be read for a while."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from catalog.chunks import add_chunks, claim_chunk
from catalog.embeddings import assign_ids
from catalog.images import get_images, image_by_sha256, places_of
from catalog.index_queue import drop_changes, pending_changes
from catalog.jobs import complete_jobs, create_ingest_job, job_progress, scan_done
from catalog.label_events import lock_images
from catalog.labels import Decision, batches, ensure_label, record, states
from catalog.ledger import Ledger
from catalog.places import finish_scan, record_files
from catalog.sources import delete_source
from tests.catalog.deciding import seen
from tests.catalog.stand_in import (
    BAD,
    ENCODER,
    Folder,
    claim,
    commit,
    decoded,
    digest,
    expire,
    found,
    image_of,
    ingest,
    scan,
    start,
    with_source,
    work,
)

SURE = {"plane": ("yes", "person")}


def label(ledger: Ledger, image: int, name: str = "plane", *, group: str | None = None) -> int:
    made = ensure_label(ledger, name, group=group)
    record(ledger, key=f"{image} {name}", author="wei", decisions=[Decision(image, made.id, "yes")])
    return made.id


def work_before_the_scan_ends(ledger: Ledger, root: str, before: Folder, after: Folder) -> tuple[int, int]:
    """A labelled picture, and a scan whose first chunk is committed while it goes on; the images before and after."""
    source = with_source(ledger, root)
    ingest(ledger, source, before)
    old = image_of(ledger, next(iter(before.values())))
    label(ledger, old)
    begun = start(ledger, source)
    todo = record_files(ledger, job_id=begun.job_id, source_id=source.id, files=found(after))
    add_chunks(ledger, job_id=begun.job_id, encoder_id=ENCODER, chunks=[todo])
    assert commit(ledger, claim(ledger), after) == "committed"
    finish_scan(ledger, begun.job_id)
    assert scan_done(ledger, begun.scan)
    drop_changes(ledger, [change.id for change in pending_changes(ledger, 100)])
    assert complete_jobs(ledger) == [begun.job_id]
    return old, image_of(ledger, next(iter(after.values())))


def test_a_file_that_cannot_be_read_once_keeps_its_labels(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A|no tag"})
    a = image_of(any_ledger, "A|no tag")
    label(any_ledger, a)
    scan(any_ledger, source, {b"a": "A|rated"})
    work(any_ledger, {b"a": BAD})
    assert get_images(any_ledger, [a])[a].deleted
    assert places_of(any_ledger, a) == []
    ingest(any_ledger, source, {b"a": "A|rated"})
    assert image_of(any_ledger, "A|rated") == a
    assert not get_images(any_ledger, [a])[a].deleted
    assert seen(any_ledger, a) == SURE


def test_a_file_that_was_given_up_keeps_its_labels_even_when_it_is_renamed(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A|no tag"})
    a = image_of(any_ledger, "A|no tag")
    label(any_ledger, a)
    scan(any_ledger, source, {b"a": "A|rated"})
    claim(any_ledger)
    expire(any_ledger)
    assert claim_chunk(any_ledger, worker="w", lease_s=60, max_attempts=1) is None
    complete_jobs(any_ledger)
    ingest(any_ledger, source, {b"b": "A|rated"})
    assert image_of(any_ledger, "A|rated") == a
    assert seen(any_ledger, a) == SURE


def test_a_file_renamed_and_edited_keeps_its_labels_when_its_chunk_is_done_before_the_scan(any_ledger: Ledger) -> None:
    old, new = work_before_the_scan_ends(any_ledger, "/photos", {b"z": "A|no tag"}, {b"a": "A|tag"})
    assert old != new
    assert [get_images(any_ledger, [one])[one].deleted for one in (old, new)] == [True, False]
    assert seen(any_ledger, new) == SURE
    assert {change.image_id for change in pending_changes(any_ledger, 100)} == {old, new}
    batch = batches(any_ledger, 1)[0]
    assert (batch.kind, batch.author, batch.size) == ("import", "wei", 1)


def test_labels_are_carried_over_once_and_never_against_what_was_said(any_ledger: Ledger) -> None:
    source, other = with_source(any_ledger, "/one"), with_source(any_ledger, "/two")
    ingest(any_ledger, source, {b"a": "A|one"})
    ingest(any_ledger, other, {b"a": "A|two", b"b": "A|three"})
    one, two, three = (image_of(any_ledger, f"A|{name}") for name in ("one", "two", "three"))
    plane = label(any_ledger, one, "plane", group="vehicle")
    label(any_ledger, one, "red")
    label(any_ledger, two, "car", group="vehicle")
    record(any_ledger, key="open", author="li", decisions=[Decision(three, plane, "unknown")])
    record(any_ledger, key="no", author="li", decisions=[Decision(three, plane, "no")])
    ingest(any_ledger, source, {})
    sure = ("yes", "person")
    assert seen(any_ledger, two) == {"car": sure, "red": sure}, "an image is one of the group at most"
    assert seen(any_ledger, three) == {"plane": ("no", "person"), "red": sure}
    told = len(batches(any_ledger, 100))
    ingest(any_ledger, source, {b"a": "A|one"})
    ingest(any_ledger, source, {})
    assert len(batches(any_ledger, 100)) == told
    assert seen(any_ledger, one) == {"plane": sure, "red": sure}


def test_labels_of_a_deleted_source_go_over_to_the_same_picture_elsewhere(any_ledger: Ledger) -> None:
    source, other = with_source(any_ledger, "/one"), with_source(any_ledger, "/two")
    ingest(any_ledger, source, {b"a": "A|one"})
    ingest(any_ledger, other, {b"a": "A|two"})
    label(any_ledger, image_of(any_ledger, "A|one"))
    delete_source(any_ledger, source.id)
    assert seen(any_ledger, image_of(any_ledger, "A|two")) == SURE


def test_one_of_two_copies_edited_leaves_the_other_its_image(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A|no tag", b"b": "A|no tag"})
    image = image_of(any_ledger, "A|no tag")
    label(any_ledger, image)
    ingest(any_ledger, source, {b"a": "A|tag", b"b": "A|no tag"})
    assert {place.path for place in places_of(any_ledger, image)} == {b"a", b"b"}
    ingest(any_ledger, source, {b"a": "A|tag", b"b": "A|no tag", b"c": "A|no tag"})
    assert {place.path for place in places_of(any_ledger, image)} == {b"a", b"b", b"c"}
    again = job_progress(any_ledger, ingest(any_ledger, source, {b"a": "A|tag", b"b": "A|no tag", b"c": "A|no tag"}))
    assert (again.known, again.embedded) == (3, 0), "the edited copy is not read for ever"
    ingest(any_ledger, source, {b"a": "A|tag"})
    ingest(any_ledger, source, {b"a": "A|another tag"})
    assert image_of(any_ledger, "A|another tag") == image, "the last copy takes the image along"
    assert seen(any_ledger, image) == SURE


def test_both_copies_edited_the_same_way_and_a_third_one_made(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A|no tag", b"b": "A|no tag"})
    image = image_of(any_ledger, "A|no tag")
    label(any_ledger, image)
    ingest(any_ledger, source, {b"a": "A|tag", b"b": "A|tag", b"new": "A|tag"})
    assert image_of(any_ledger, "A|tag") == image
    assert image_by_sha256(any_ledger, digest("A|no tag")) is None
    assert len(places_of(any_ledger, image)) == 3


def test_of_two_vanished_twins_the_labelled_one_comes_back(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A|one", b"b": "A|two"})
    label(any_ledger, image_of(any_ledger, "A|two"))
    create_ingest_job(any_ledger, source_id=source.id, encoder_id=ENCODER, author="wei")
    scan(any_ledger, source, {b"c": "A|three"})
    chunk = claim(any_ledger)
    ids = assign_ids(any_ledger, chunk, [decoded(chunk.items[0].place_id, "A|three")])
    assert [one.name for one in states(any_ledger, ids.values())[ids[digest("A|three")]]] == ["plane"]


def test_images_whose_hash_changes_are_locked_in_the_order_of_their_ids(any_ledger: Ledger) -> None:
    """As commits and decisions lock them: two transactions with the same images must not wait for each other."""
    source = with_source(any_ledger)
    names = [b"%d" % number for number in range(6)]
    ingest(any_ledger, source, {name: f"{name!r}|no tag" for name in names})
    ids = [image_of(any_ledger, f"{name!r}|no tag") for name in names]
    edited = {name: f"{name!r}|tag" for name in names}
    scan(any_ledger, source, edited)
    chunk = claim(any_ledger)
    backwards = [decoded(item.place_id, edited[item.path]) for item in chunk.items][::-1]
    second_locked = threading.Event()

    def decide() -> None:
        with any_ledger.write() as connection:
            lock_images(connection, ids[:1])
            second_locked.set()
            time.sleep(0.5)
            lock_images(connection, ids[1:])

    with ThreadPoolExecutor(1) as pool:
        deciding = pool.submit(decide)
        assert second_locked.wait(60)
        assert set(assign_ids(any_ledger, chunk, backwards).values()) == set(ids)
        deciding.result()
