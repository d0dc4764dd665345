"""Comparing and refreshing while other workers commit, index and bring images back; and what a crash leaves."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import numpy as np
import pytest
from sqlalchemy import select, update

from catalog import reconcile as module
from catalog import tables
from catalog.images import note_changes
from catalog.indexing import refresh_changes
from catalog.jobs import create_embed_job, pause_job
from catalog.labels import Decision, ensure_label, record
from catalog.reconcile import Report, not_among, reconcile
from tests.catalog.index.world import World


def mend(world: World) -> Report:
    return reconcile(world.ledger, world.store, world.index, encoder_id=world.encoder.id, repair=True)


def held(world: World) -> list[int]:
    return [int(image_id) for image_id in world.index.fetch_ids(world.encoder.collection)]


def test_what_another_worker_indexes_meanwhile_is_not_removed(
    lite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lite_world.ingest(["a", "b"])
    lite_world.work()
    later: list[int] = []
    real = module.Comparison._held

    def meanwhile(self: Any) -> Any:
        later.extend(lite_world.ingest(["c"], root="/other", seed=4))
        lite_world.work()
        return real(self)

    monkeypatch.setattr(module.Comparison, "_held", meanwhile)
    assert mend(lite_world).extra_in_index == 0
    assert held(lite_world) == [*first, *later]


@pytest.mark.parametrize("who", ["refresh", "reconcile"])
def test_an_image_that_comes_back_while_its_row_is_removed_is_put_back(
    lite_world: World, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    ids = lite_world.ingest(["a", "b"])
    lite_world.work()
    with lite_world.ledger.write() as connection:
        connection.execute(update(tables.image).where(tables.image.c.id == ids[0]).values(deleted_at=1.0))
        if who == "refresh":
            note_changes(connection, ids[:1])
    remove, busy = lite_world.index.delete, [False]

    def delete(collection: str, image_ids: list[int]) -> None:
        """Another worker commits and indexes it again, after this one has read that it is deleted."""
        if ids[0] in image_ids and not busy[0]:
            busy[0] = True
            with lite_world.ledger.write() as connection:
                connection.execute(update(tables.image).values(deleted_at=None))
        remove(collection, image_ids)

    monkeypatch.setattr(lite_world.index, "delete", delete)
    if who == "refresh":
        refresh_changes(lite_world.ledger, lite_world.store, lite_world.index)
    else:
        mend(lite_world)
    assert busy[0]
    assert held(lite_world) == ids


def test_a_crash_in_the_middle_of_a_repair_forgets_no_vector(
    lite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lite_world.ingest(["a", "b"])
    lite_world.work()
    for key in list(lite_world.store.list("shards")):
        lite_world.store.delete(key)

    def crash(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "embed_again", crash)
        with pytest.raises(KeyboardInterrupt):
            mend(lite_world)
    assert mend(lite_world).to_embed == 2, "the next comparison finds the same"


def test_a_job_that_somebody_paused_stays_paused(lite_world: World) -> None:
    lite_world.ingest(["a", "b"])
    lite_world.work()
    with lite_world.ledger.write() as connection:
        connection.exec_driver_sql("DELETE FROM embedding WHERE image_id = 1")
    job = create_embed_job(lite_world.ledger, encoder_id=lite_world.encoder.id, author="me")
    assert pause_job(lite_world.ledger, job)
    for key in list(lite_world.store.list("shards")):
        lite_world.store.delete(key)
    assert mend(lite_world).to_embed == 1
    with lite_world.ledger.read() as connection:
        row = connection.execute(select(tables.job).where(tables.job.c.id == job)).one()
        chunks = connection.execute(select(tables.chunk.c.files).where(tables.chunk.c.job_id == job)).scalars().all()
    assert (row.state, sum(chunks)) == ("paused", 2)


def test_many_stale_rows_are_written_some_at_a_time(lite_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = lite_world.ingest([str(number) for number in range(10)], chunk=2)
    lite_world.work()
    cat = ensure_label(lite_world.ledger, "cat")
    record(lite_world.ledger, key="k", author="me", decisions=[Decision(one, cat.id, "yes") for one in ids])
    with lite_world.ledger.write() as connection:
        connection.exec_driver_sql("DELETE FROM index_change")
    looked_up: list[int] = []
    real = module.__dict__["put_back"]

    def watched(*arguments: Any) -> None:
        looked_up.append(len(arguments[-1]))
        real(*arguments)

    monkeypatch.setattr(module, "put_back", watched)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 4)
    assert mend(lite_world).stale_labels == 10
    assert looked_up == [4, 4, 2]
    assert all(labels == [cat.id] for labels, _ in lite_world.copy(ids).values())


def test_what_is_not_among_a_sorted_many() -> None:
    random = np.random.default_rng(0)
    for many in (0, 1, 50):
        some, all_of = np.unique(random.integers(0, 60, 20)), np.unique(random.integers(0, 60, many))
        assert not_among(some, all_of).tolist() == sorted(set(some.tolist()) - set(all_of.tolist()))


def test_packs_of_thumbnails_that_nobody_names_go_when_they_are_old(lite_world: World) -> None:
    lite_world.ingest(["a"])
    lite_world.work()
    for key in ("thumbnails/1-1.pack", "thumbnails/1-2.pack", "thumbnails/9-1.pack"):
        lite_world.store.put(key, b"RUIJITP1")
    with lite_world.ledger.write() as connection:
        connection.execute(update(tables.image).values(thumbnail_pack="thumbnails/1-2.pack"))
    for name in ("1-1", "1-2"):
        path = lite_world.store.local_path(f"thumbnails/{name}.pack")
        assert path is not None
        os.utime(path, (1, 1))
    assert mend(lite_world) == Report(images=1, orphan_packs=1, mended=1)
    assert sorted(lite_world.store.list("thumbnails")) == ["thumbnails/1-2.pack", "thumbnails/9-1.pack"]
    assert mend(lite_world).clean
