"""A hundred thousand images: long lists of ids in one call, and numbers for pages at once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from catalog.embeddings import embedded_count, known_hashes, locate
from catalog.images import Counts, count_images, delete_images, get_images, places_of_images
from catalog.index_queue import drop_changes, index_rows, pending_changes
from catalog.jobs import job_progress, list_jobs
from catalog.labels import (
    BatchResult,
    Decision,
    Label,
    batches,
    ensure_label,
    labelled_images,
    list_labels,
    merge_label,
    record,
    redo,
    states,
    undo,
)
from catalog.ledger import Ledger
from catalog.sources import list_sources
from tests.catalog.large import BAD, DELETED, IMAGES, LABELLED, PER_CHUNK

IDS = range(1, IMAGES + 1)
Made = TypeVar("Made")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, filled: Path) -> Iterator[Ledger]:
    """A ledger of 100,000 images, shared: the tests read it, and the last one deletes."""
    path = tmp_path_factory.mktemp("large") / "ledger.db"
    shutil.copy(filled, path)
    ledger = Ledger.open(f"sqlite:///{path}")
    yield ledger
    ledger.close()


def fastest_ms(call: Callable[[], object], *, times: int = 7) -> float:
    """CPU milliseconds: what others do on the machine does not count."""
    taken = []
    for _ in range(times):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return min(taken) * 1000


def quick(change: Callable[[], Made]) -> Made:
    """What the change returns; it may take 10 s of the CPU, many times what it does."""
    started = time.process_time()
    made = change()
    assert time.process_time() - started < 10
    return made


def test_the_front_page_counts_at_once(large: Ledger) -> None:
    assert count_images(large) == Counts(IMAGES - DELETED, IMAGES - DELETED - LABELLED, LABELLED, BAD)
    assert fastest_ms(lambda: count_images(large)) <= 20


def test_progress_reads_chunks_and_not_files(large: Ledger) -> None:
    progress = job_progress(large, 1)
    assert (progress.embedded, progress.total) == (IMAGES, IMAGES)
    assert fastest_ms(lambda: job_progress(large, 1)) <= 10
    assert fastest_ms(lambda: list_jobs(large)) <= 10


def test_lists_of_the_page_are_quick(large: Ledger) -> None:
    assert [(row.yes, row.no) for row in list_labels(large)] == [(LABELLED, 0)]
    assert [row.images for row in list_sources(large)] == [IMAGES]
    assert fastest_ms(lambda: list_labels(large)) <= 50
    assert fastest_ms(lambda: list_sources(large)) <= 50


def test_a_hundred_thousand_ids_in_one_call(large: Ledger) -> None:
    assert len(get_images(large, IDS)) == IMAGES
    assert len(places_of_images(large, IDS)) == IMAGES
    assert len(states(large, IDS)) == LABELLED
    assert locate(large, encoder_id="e" * 64, image_ids=IDS)[PER_CHUNK + 1] == ("2", 0)
    assert sum(row.deleted for row in index_rows(large, IDS).values()) == DELETED
    assert len(known_hashes(large, encoder_id="e" * 64, sha256s=[f"{n:064x}" for n in IDS])) == IMAGES
    assert len(labelled_images(large, limit_per_label=100)) == 100
    assert embedded_count(large, "e" * 64) == IMAGES - DELETED


def test_decisions_about_twenty_thousand_images_are_quick(large: Ledger) -> None:
    ids = range(LABELLED + 1, LABELLED + 20_001)
    plane, car = (ensure_label(large, name, group="vehicle") for name in ("plane", "car"))

    def say(label: Label) -> Callable[[], BatchResult]:
        decisions = [Decision(image_id, label.id, "yes") for image_id in ids]
        return lambda: record(large, key=label.name, author="wei", decisions=decisions)

    def back(batch_id: int, key: str) -> Callable[[], BatchResult]:
        return lambda: undo(large, batch_id, author="wei", key=key)

    first, second = quick(say(plane)).batch_id, quick(say(car)).batch_id
    assert count_images(large).labelled == LABELLED + 20_000
    assert quick(back(second, "u")).applied == 40_000
    assert quick(lambda: redo(large, second, author="wei", key="r")).applied == 40_000
    merge = quick(lambda: merge_label(large, plane.id, into=car.id, author="wei", key="m"))
    assert (merge.moved, merge.contradictions) == (LABELLED + 20_000, 0)
    assert quick(back(merge.batch_id, "um")).unchanged == 0
    assert quick(back(second, "u2")).applied == 40_000
    assert quick(back(first, "u1")).applied == 20_000
    assert count_images(large).labelled == LABELLED


def test_deleting_a_hundred_thousand_in_one_call(large: Ledger) -> None:
    assert delete_images(large, IDS) == IMAGES - DELETED
    assert count_images(large).images == 0
    changes = pending_changes(large, 10 * IMAGES)
    assert {change.image_id for change in changes} == set(IDS[:-DELETED])
    drop_changes(large, [change.id for change in changes])
    assert pending_changes(large, 1) == []


def test_a_hundred_thousand_decisions_are_one_batch(large: Ledger) -> None:
    label = ensure_label(large, "everything")
    decisions = [Decision(image_id, label.id, "yes") for image_id in IDS]
    assert record(large, key="all", author="wei", decisions=decisions).applied == IMAGES
    assert batches(large, 1)[0].size == IMAGES, "one undo takes all of it back"
