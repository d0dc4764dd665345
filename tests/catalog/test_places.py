"""What a scan makes of the files it finds: known, changed, moved, edited, broken, gone."""

from __future__ import annotations

import pytest

from catalog.chunks import add_chunks
from catalog.embeddings import embedded_count
from catalog.errors import ClaimLost, UnknownJob
from catalog.images import get_images, image_by_sha256, places_of
from catalog.index_queue import drop_changes, pending_changes
from catalog.jobs import claim_scan, complete_jobs, job_progress
from catalog.labels import Decision, ensure_label, record, states
from catalog.ledger import Ledger
from catalog.places import finish_scan, record_files
from tests.catalog.stand_in import (
    BAD,
    ENCODER,
    OTHER_ENCODER,
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

ODD = b'caf\xe9 "quoted" \'; DROP TABLE place; --\n.jpg'


def test_an_ingest_again_does_only_what_is_missing(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    folder = {b"a": "A", b"sub/b": "B", ODD: "C"}
    ingest(any_ledger, source, folder)
    again = scan(any_ledger, source, folder | {b"d": "D"})
    progress = job_progress(any_ledger, again)
    assert (progress.scanned, progress.known, progress.total) == (4, 3, 4)
    work(any_ledger, folder | {b"d": "D"})
    progress = job_progress(any_ledger, again)
    assert (progress.state, progress.done, progress.embedded) == ("done", 4, 1)
    assert places_of(any_ledger, image_of(any_ledger, "C"))[0].path == ODD


def test_a_moved_file_keeps_its_image_and_its_labels(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A", b"b": "B"})
    a = image_of(any_ledger, "A")
    label = ensure_label(any_ledger, "plane")
    record(any_ledger, key="1", author="wei", decisions=[Decision(a, label.id, "yes")])
    ingest(any_ledger, source, {b"moved/a": "A", b"b": "B"})
    assert image_of(any_ledger, "A") == a
    assert [place.path for place in places_of(any_ledger, a)] == [b"moved/a"]
    assert not get_images(any_ledger, [a])[a].deleted
    assert states(any_ledger, [a])[a][0].state == "yes"
    assert embedded_count(any_ledger, ENCODER) == 2


def test_a_file_moved_to_another_source_keeps_its_image_even_when_the_first_job_ends_before(ledger: Ledger) -> None:
    one, two = with_source(ledger, "/one"), with_source(ledger, "/two")
    ingest(ledger, one, {b"a": "A"})
    a = image_of(ledger, "A")
    ingest(ledger, one, {})
    assert get_images(ledger, [a])[a].deleted
    ingest(ledger, two, {b"a": "A"})
    assert image_of(ledger, "A") == a
    assert not get_images(ledger, [a])[a].deleted
    assert embedded_count(ledger, ENCODER) == 1


def test_an_edited_tag_keeps_the_image(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A|no tag"})
    a = image_of(any_ledger, "A|no tag")
    ingest(any_ledger, source, {b"a": "A|rated five stars"})
    assert image_of(any_ledger, "A|rated five stars") == a
    assert image_by_sha256(any_ledger, digest("A|no tag")) is None
    assert embedded_count(any_ledger, ENCODER) == 1
    assert get_images(any_ledger, [a])[a].bytes == len("A|rated five stars")


def test_a_file_that_was_moved_and_edited_keeps_the_image(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A|no tag"})
    a = image_of(any_ledger, "A|no tag")
    ingest(any_ledger, source, {b"b": "A|tag"})
    assert image_of(any_ledger, "A|tag") == a
    assert not get_images(any_ledger, [a])[a].deleted


def test_pictures_of_the_same_pixels_in_two_live_files_are_two_images(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A|one"})
    ingest(any_ledger, source, {b"a": "A|one", b"b": "A|two"})
    assert image_of(any_ledger, "A|one") != image_of(any_ledger, "A|two")


def test_new_pixels_are_a_new_image_and_the_old_one_goes(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A"})
    old = image_of(any_ledger, "A")
    ingest(any_ledger, source, {b"a": "B, longer"})
    new = image_of(any_ledger, "B, longer")
    assert new != old
    assert get_images(any_ledger, [old])[old].deleted
    assert places_of(any_ledger, old) == []
    assert [place.path for place in places_of(any_ledger, new)] == [b"a"]


def test_two_files_that_change_places_lose_nothing(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A", b"b": "B"})
    a, b = image_of(any_ledger, "A"), image_of(any_ledger, "B")
    ingest(any_ledger, source, {b"a": "B", b"b": "A"})
    assert [image.deleted for image in get_images(any_ledger, [a, b]).values()] == [False, False]
    assert places_of(any_ledger, a)[0].path == b"b"


def test_gone_files_go_when_the_job_is_done_and_not_before(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A", b"b": "B"})
    a = image_of(any_ledger, "A")
    drop_changes(any_ledger, [change.id for change in pending_changes(any_ledger, 100)])
    scan(any_ledger, source, {b"b": "B", b"new": "N"})
    assert complete_jobs(any_ledger) == []
    assert not get_images(any_ledger, [a])[a].deleted
    work(any_ledger, {b"b": "B", b"new": "N"})
    assert get_images(any_ledger, [a])[a].deleted
    assert a in {change.image_id for change in pending_changes(any_ledger, 100)}
    ingest(any_ledger, source, {b"a": "A", b"b": "B"})
    assert not get_images(any_ledger, [a])[a].deleted
    assert image_of(any_ledger, "A") == a


def test_a_broken_file_is_tried_again(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    folder = {b"a": "A", b"x": BAD}
    assert job_progress(any_ledger, ingest(any_ledger, source, folder)).bad == 1
    again = job_progress(any_ledger, ingest(any_ledger, source, folder))
    assert (again.known, again.bad, again.total) == (1, 1, 2)
    mended = job_progress(any_ledger, ingest(any_ledger, source, {b"a": "A", b"x": "good"}))
    assert (mended.known, mended.bad, mended.embedded) == (1, 0, 1)


def test_a_file_that_breaks_loses_its_image(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A"})
    a = image_of(any_ledger, "A")
    ingest(any_ledger, source, {b"a": BAD})
    assert get_images(any_ledger, [a])[a].deleted
    assert places_of(any_ledger, a) == []


def test_a_scan_that_begins_again_puts_no_file_into_two_chunks(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    folder = {b"%d" % number: f"content {number}" for number in range(6)}
    files = found(folder)
    begun = start(any_ledger, source)
    first = record_files(any_ledger, job_id=begun.job_id, source_id=source.id, files=files[:4])
    add_chunks(any_ledger, job_id=begun.job_id, encoder_id=ENCODER, chunks=[first[:2]])
    # The scanner dies: two files are recorded and in no chunk.
    expire(any_ledger)
    claim = claim_scan(any_ledger, worker="other", lease_s=60)
    assert claim is not None
    todo = record_files(any_ledger, job_id=begun.job_id, source_id=source.id, files=files, fence=claim.fence)
    assert [place.path for place in todo] == [b"2", b"3", b"4", b"5"]
    with pytest.raises(ClaimLost):
        record_files(any_ledger, job_id=begun.job_id, source_id=source.id, files=files, fence=begun.scan.fence)
    with pytest.raises(ClaimLost):
        finish_scan(any_ledger, begun.job_id, fence=begun.scan.fence)
    add_chunks(any_ledger, job_id=begun.job_id, encoder_id=ENCODER, chunks=[todo])
    progress = job_progress(any_ledger, begun.job_id)
    assert (progress.scanned, progress.total) == (6, 6)


def test_another_encoder_reads_every_file_again(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A"})
    progress = job_progress(any_ledger, ingest(any_ledger, source, {b"a": "A"}, encoder_id=OTHER_ENCODER))
    assert (progress.known, progress.embedded) == (0, 1)


def test_an_older_scan_does_not_remove_what_a_younger_one_has_found(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    older = start(any_ledger, source)
    younger = start(any_ledger, source, encoder_id=OTHER_ENCODER)
    record_files(any_ledger, job_id=younger.job_id, source_id=source.id, files=found({b"a": "A"}))
    assert finish_scan(any_ledger, older.job_id) == 0
    record_files(any_ledger, job_id=older.job_id, source_id=source.id, files=found({b"a": "A"}))
    assert finish_scan(any_ledger, younger.job_id) == 0


def test_labels_from_folders_can_be_switched_on_later(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    folder = {b"plane/a": "A", b"top": "T"}
    ingest(any_ledger, source, folder)
    a = image_of(any_ledger, "A")
    assert states(any_ledger, [a]) == {}
    with_source(any_ledger, labels=True)
    drop_changes(any_ledger, [change.id for change in pending_changes(any_ledger, 100)])
    ingest(any_ledger, source, folder)
    assert [(one.name, one.origin) for one in states(any_ledger, [a])[a]] == [("plane", "folder")]
    assert [change.image_id for change in pending_changes(any_ledger, 100)] == [a]


def test_thousands_of_files_in_one_call(ledger: Ledger) -> None:
    source = with_source(ledger)
    begun = start(ledger, source)
    folder = {b"%d/%d.jpg" % (number % 100, number): str(number) for number in range(3_000)}
    assert len(record_files(ledger, job_id=begun.job_id, source_id=source.id, files=found(folder))) == 3_000
    assert len(record_files(ledger, job_id=begun.job_id, source_id=source.id, files=found(folder))) == 3_000
    with pytest.raises(UnknownJob):
        record_files(ledger, job_id=99, source_id=source.id, files=found(folder))
