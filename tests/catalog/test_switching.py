"""A switch needs every image, is one transaction with its count, and goes back at once; what comes between follows."""

from __future__ import annotations

import pytest

from catalog import tables
from catalog.coverage import Coverage, coverage, coverages
from catalog.encoders import previous_encoder, serving_encoder
from catalog.index_queue import claim_shard, finish_shard
from catalog.jobs import cancel_job, create_embed_job, job_progress, list_jobs
from catalog.ledger import Ledger
from catalog.switching import NothingBefore, NotReady, roll_back, switch_to
from tests.catalog.stand_in import ENCODER, OTHER_ENCODER, Folder, ingest, scan, with_encoder, with_source, work

PHOTOS: Folder = {b"a.jpg": "a", b"b.jpg": "b", b"c.jpg": "c"}
MORE: Folder = {b"d.jpg": "d", b"e.jpg": "e"}


def covered(ledger: Ledger, encoder_id: str) -> Coverage:
    """What one encoder covers; the list of all says the same."""
    found, listed = coverage(ledger, encoder_id), coverages(ledger)
    assert listed.get(encoder_id, listed[""]) == found
    return found


def index_all(ledger: Ledger) -> None:
    while (shard := claim_shard(ledger, worker="w", lease_s=60)) is not None:
        assert finish_shard(ledger, shard)


def serves(ledger: Ledger) -> str:
    serving = serving_encoder(ledger)
    assert serving is not None
    return serving.id


@pytest.fixture
def filled(any_ledger: Ledger) -> Ledger:
    """Three images in the collection of the encoder that serves; another encoder is known."""
    with_encoder(any_ledger)
    with_encoder(any_ledger, OTHER_ENCODER)
    ingest(any_ledger, with_source(any_ledger), PHOTOS)
    index_all(any_ledger)
    return any_ledger


@pytest.fixture
def both(filled: Ledger) -> Ledger:
    """The other encoder has its collection too."""
    create_embed_job(filled, encoder_id=OTHER_ENCODER, author="test")
    work(filled, PHOTOS)
    index_all(filled)
    return filled


def test_an_encoder_that_lacks_images_is_refused_with_their_number(filled: Ledger) -> None:
    with pytest.raises(NotReady, match="3 of 3 photos have no vector of x yet"):
        switch_to(filled, OTHER_ENCODER)
    create_embed_job(filled, encoder_id=OTHER_ENCODER, author="test")
    work(filled, PHOTOS)
    with pytest.raises(NotReady, match="3 vectors are not in the index yet"):
        switch_to(filled, OTHER_ENCODER)
    assert serves(filled) == ENCODER
    index_all(filled)
    done = switch_to(filled, OTHER_ENCODER)
    assert (done.encoder.id, done.before and done.before.id, done.lack) == (OTHER_ENCODER, ENCODER, 0)
    assert serves(filled) == OTHER_ENCODER


def test_who_says_so_does_without_the_rest(filled: Ledger) -> None:
    done = switch_to(filled, OTHER_ENCODER, incomplete=True)
    assert (done.lack, serves(filled)) == (3, OTHER_ENCODER)


def test_a_switch_to_the_encoder_that_serves_forgets_no_way_back(both: Ledger) -> None:
    switch_to(both, OTHER_ENCODER)
    assert switch_to(both, OTHER_ENCODER).before is None
    before = previous_encoder(both)
    assert before is not None and before.id == ENCODER


def test_there_is_no_way_back_before_the_first_switch(filled: Ledger) -> None:
    with pytest.raises(NothingBefore):
        roll_back(filled)
    assert serves(filled) == ENCODER


def test_going_back_is_immediate_and_what_came_since_is_counted_and_embedded(both: Ledger) -> None:
    switch_to(both, OTHER_ENCODER)
    ingest(both, with_source(both, "/more"), MORE, encoder_id=OTHER_ENCODER)
    index_all(both)
    back = roll_back(both)
    assert (back.encoder.id, serves(both), back.lack) == (ENCODER, ENCODER, 2)
    assert back.found == Coverage(5, 3, 3)
    assert back.job is not None and job_progress(both, back.job).encoder_id == ENCODER
    work(both, PHOTOS | MORE)
    index_all(both)
    assert covered(both, ENCODER) == Coverage(5, 5, 5)
    forth = roll_back(both)
    assert (forth.encoder.id, forth.lack, forth.job) == (OTHER_ENCODER, 0, None)


def test_an_ingest_under_way_at_the_switch_is_found_after_it(both: Ledger) -> None:
    scan(both, with_source(both, "/more"), MORE)
    switch_to(both, OTHER_ENCODER)
    work(both, MORE)  # with the encoder that it was begun with; its end makes the job for the other one
    assert covered(both, OTHER_ENCODER) == Coverage(5, 3, 3)
    newest = list_jobs(both)[0]
    assert (newest.kind, newest.encoder_id, newest.state, newest.total) == ("embed", OTHER_ENCODER, "running", 5)
    work(both, PHOTOS | MORE)
    index_all(both)
    assert covered(both, OTHER_ENCODER) == Coverage(5, 5, 5)


def test_an_ingest_that_is_cancelled_after_the_switch_leaves_nothing_behind(both: Ledger) -> None:
    job = scan(both, with_source(both, "/more"), MORE, size=1)
    switch_to(both, OTHER_ENCODER)
    from catalog.chunks import claim_chunk
    from tests.catalog.stand_in import commit

    chunk = claim_chunk(both, worker="w", lease_s=60)
    assert chunk is not None and commit(both, chunk, MORE) == "committed"
    assert cancel_job(both, job)
    assert covered(both, OTHER_ENCODER) == Coverage(4, 3, 3)
    work(both, PHOTOS | MORE)
    assert covered(both, OTHER_ENCODER).lack == 0


def test_images_whose_file_is_gone_make_no_job(both: Ledger) -> None:
    switch_to(both, OTHER_ENCODER)
    with both.write() as connection:
        connection.execute(tables.embedding.delete().where(tables.embedding.c.encoder_id == ENCODER))
        connection.execute(tables.place.update().values(state="gone"))
    back = roll_back(both)
    assert (back.lack, back.job) == (3, None)
