"""A hundred thousand images: long lists of ids in one call, and numbers for pages at once."""

from __future__ import annotations

import shutil
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
from tests.catalog.steps import steps

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


def one_by_one(large: Ledger, change: Callable[[], Made]) -> Made:
    """What the change returns; it may cost some hundred looks at each image, and none at each pair of them."""
    made: list[Made] = []
    assert steps(large, lambda: made.append(change())) < 1500 * IMAGES
    return made[0]


def test_the_front_page_counts_in_one_pass(large: Ledger) -> None:
    assert count_images(large) == Counts(IMAGES - DELETED, IMAGES - DELETED - LABELLED, LABELLED, BAD)
    assert steps(large, lambda: count_images(large)) < 8 * IMAGES


def test_progress_reads_chunks_and_not_files(large: Ledger) -> None:
    progress = job_progress(large, 1)
    assert (progress.embedded, progress.total) == (IMAGES, IMAGES)
    assert steps(large, lambda: job_progress(large, 1)) < 3 * IMAGES
    assert steps(large, lambda: list_jobs(large)) < 3 * IMAGES


def test_lists_of_the_page_look_once_at_each_image(large: Ledger) -> None:
    assert [(row.yes, row.no) for row in list_labels(large)] == [(LABELLED, 0)]
    assert [row.images for row in list_sources(large)] == [IMAGES]
    assert steps(large, lambda: list_labels(large)) < 10 * IMAGES
    assert steps(large, lambda: list_sources(large)) < 10 * IMAGES


def test_a_hundred_thousand_ids_in_one_call(large: Ledger) -> None:
    assert len(get_images(large, IDS)) == IMAGES
    assert len(places_of_images(large, IDS)) == IMAGES
    assert len(states(large, IDS)) == LABELLED
    assert locate(large, encoder_id="e" * 64, image_ids=IDS)[PER_CHUNK + 1] == ("2", 0)
    assert sum(row.deleted for row in index_rows(large, IDS).values()) == DELETED
    assert len(known_hashes(large, encoder_id="e" * 64, sha256s=[f"{n:064x}" for n in IDS])) == IMAGES
    assert len(labelled_images(large, limit_per_label=100)) == 100
    assert embedded_count(large, "e" * 64) == IMAGES - DELETED


def test_decisions_about_twenty_thousand_images_cost_what_each_of_them_does(large: Ledger) -> None:
    ids = range(LABELLED + 1, LABELLED + 20_001)
    plane, car = (ensure_label(large, name, group="vehicle") for name in ("plane", "car"))

    def say(label: Label) -> Callable[[], BatchResult]:
        decisions = [Decision(image_id, label.id, "yes") for image_id in ids]
        return lambda: record(large, key=label.name, author="wei", decisions=decisions)

    def back(batch_id: int, key: str) -> Callable[[], BatchResult]:
        return lambda: undo(large, batch_id, author="wei", key=key)

    first, second = one_by_one(large, say(plane)).batch_id, one_by_one(large, say(car)).batch_id
    assert count_images(large).labelled == LABELLED + 20_000
    assert one_by_one(large, back(second, "u")).applied == 40_000
    assert one_by_one(large, lambda: redo(large, second, author="wei", key="r")).applied == 40_000
    merge = one_by_one(large, lambda: merge_label(large, plane.id, into=car.id, author="wei", key="m"))
    assert (merge.moved, merge.contradictions) == (LABELLED + 20_000, 0)
    assert one_by_one(large, back(merge.batch_id, "um")).unchanged == 0
    assert one_by_one(large, back(second, "u2")).applied == 40_000
    assert one_by_one(large, back(first, "u1")).applied == 20_000
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
