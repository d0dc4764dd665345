"""Sources: added once, deleted with what is nowhere else, and brought back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from catalog import sources
from catalog.chunks import claim_chunk
from catalog.errors import UnknownSource
from catalog.images import count_images, forget_images, get_images, places_of
from catalog.index_queue import index_rows, pending_changes
from catalog.jobs import claim_scan, job_progress
from catalog.labels import Decision, ensure_label, record, states
from catalog.ledger import Ledger
from catalog.places import record_files
from catalog.sources import add_source, delete_source, get_source, list_sources
from tests.catalog.stand_in import claim, commit, fail_after, found, image_of, ingest, scan, start, with_source


def test_the_same_folder_is_one_source(any_ledger: Ledger, tmp_path: Path) -> None:
    first = add_source(any_ledger, tmp_path / "a", name="holidays")
    again = add_source(any_ledger, tmp_path / "b" / ".." / "a", labels_from_folders=True)
    assert again.id == first.id
    assert (again.name, again.labels_from_folders) == ("holidays", True)
    assert get_source(any_ledger, first.id) == again
    assert first.root == os.fsencode(tmp_path.resolve() / "a")


def test_a_name_that_is_not_utf8_is_kept_as_bytes_and_shown_as_text(any_ledger: Ledger, tmp_path: Path) -> None:
    source = add_source(any_ledger, Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")))
    assert source.root.endswith(b"/caf\xe9")
    assert source.name.startswith("caf")
    assert get_source(any_ledger, source.id) == source


def test_sources_are_listed_with_their_images(any_ledger: Ledger) -> None:
    one, two = with_source(any_ledger, "/one"), with_source(any_ledger, "/two")
    ingest(any_ledger, one, {b"a": "A", b"copy": "A", b"b": "B", b"broken": "bad"})
    ingest(any_ledger, two, {b"a": "A"})
    assert [(row.source.id, row.images) for row in list_sources(any_ledger)] == [(one.id, 2), (two.id, 1)]


def test_deleting_a_source_deletes_what_is_nowhere_else(any_ledger: Ledger) -> None:
    one, two = with_source(any_ledger, "/one"), with_source(any_ledger, "/two")
    ingest(any_ledger, one, {b"a": "A", b"b": "B"})
    ingest(any_ledger, two, {b"a": "A"})
    a, b = image_of(any_ledger, "A"), image_of(any_ledger, "B")
    label = ensure_label(any_ledger, "plane")
    record(any_ledger, key="1", author="wei", decisions=[Decision(b, label.id, "yes")])
    assert delete_source(any_ledger, one.id) == 2
    images = get_images(any_ledger, [a, b])
    assert (images[a].deleted, images[b].deleted) == (False, True)
    assert images[a].thumbnail is not None
    assert images[b].thumbnail is None
    assert [place.source_id for place in places_of(any_ledger, a)] == [two.id]
    assert index_rows(any_ledger, [a])[a].sources == (two.id,)
    assert {a, b} <= {change.image_id for change in pending_changes(any_ledger, 100)}
    assert states(any_ledger, [b])[b][0].state == "yes", "what people said stays"
    assert count_images(any_ledger).images == 1
    assert [row.source.id for row in list_sources(any_ledger)] == [two.id]
    with pytest.raises(UnknownSource):
        delete_source(any_ledger, one.id)


def test_a_source_is_deleted_in_slices_and_can_be_deleted_again_when_it_broke_off(
    any_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"%d" % number: str(number) for number in range(5)})
    monkeypatch.setattr(sources, "PLACES_AT_ONCE", 2)
    monkeypatch.setattr(sources, "forget_images", fail_after(1, forget_images))
    with pytest.raises(OSError, match="the machine"):
        delete_source(any_ledger, source.id)
    assert get_source(any_ledger, source.id) == source
    assert count_images(any_ledger).images == 3
    monkeypatch.setattr(sources, "forget_images", forget_images)
    assert delete_source(any_ledger, source.id) == 3
    assert count_images(any_ledger).images == 0
    with pytest.raises(UnknownSource):
        get_source(any_ledger, source.id)


def test_a_deleted_source_comes_back_with_its_images_and_labels(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    ingest(any_ledger, source, {b"a": "A"})
    a = image_of(any_ledger, "A")
    label = ensure_label(any_ledger, "plane")
    record(any_ledger, key="1", author="wei", decisions=[Decision(a, label.id, "yes")])
    delete_source(any_ledger, source.id)
    assert with_source(any_ledger).id == source.id
    ingest(any_ledger, source, {b"a": "A"})
    assert image_of(any_ledger, "A") == a
    image = get_images(any_ledger, [a])[a]
    assert not image.deleted
    assert image.thumbnail is not None
    assert states(any_ledger, [a])[a][0].state == "yes"


def test_what_a_worker_holds_of_a_deleted_source_is_not_committed(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    folder = {b"a": "A", b"b": "B"}
    job = scan(any_ledger, source, folder)
    chunk = claim(any_ledger)
    delete_source(any_ledger, source.id)
    with pytest.raises(Exception, match="another worker"):
        commit(any_ledger, chunk, folder)
    assert count_images(any_ledger).images == 0
    assert job_progress(any_ledger, job).state == "cancelled"
    assert claim_chunk(any_ledger, worker="w", lease_s=60) is None


def test_a_scan_of_a_deleted_source_records_nothing_more(any_ledger: Ledger) -> None:
    source = with_source(any_ledger)
    begun = start(any_ledger, source)
    delete_source(any_ledger, source.id)
    assert record_files(any_ledger, job_id=begun.job_id, source_id=source.id, files=found({b"a": "A"})) == []
    assert claim_scan(any_ledger, worker="w", lease_s=60) is None


def test_an_unknown_source_is_named(ledger: Ledger) -> None:
    with pytest.raises(UnknownSource, match="77"):
        get_source(ledger, 77)
