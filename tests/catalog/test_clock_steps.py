"""Leases of before the clock was set back: those of the dead end soon, those of the living stay theirs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from catalog import gangs, rests, tables
from catalog.chunks import claim_chunk, heartbeat_chunk
from catalog.clock_steps import LEASES, end_leases_ahead
from catalog.gangs import Member
from catalog.index_queue import claim_shard
from catalog.jobs import claim_scan, create_ingest_job
from catalog.ledger import Ledger, clock
from catalog.runs import create_run
from catalog.sign_in_limits import SIGN_IN, Limits, check_failures
from catalog.user_errors import TooManyFailures
from catalog.workers import announce, beat, forget_silent, list_workers
from tests.catalog.stand_in import ENCODER, scan, with_source

LEASE_S = 30.0
FILES = {b"a.jpg": b"one", b"b.jpg": b"two"}
# As they stand after a step back by a day.
DAY_S = 86_400.0


def set_back(ledger: Ledger, by_s: float) -> None:
    """Every moment of the ledger as it looks after the clock was set back by so much; by less than 0, after a while."""
    columns = (
        tables.chunk.c.lease_until,
        tables.job.c.scan_lease_until,
        tables.shard.c.lease_until,
        tables.trainer.c.lease_until,
        tables.worker.c.heartbeat_at,
    )
    with ledger.write() as connection:
        for column in columns:
            connection.execute(update(column.table).where(column > 0).values({column: column + by_s}))


def test_what_a_dead_worker_held_is_free_after_a_lease(any_ledger: Ledger) -> None:
    ledger = any_ledger
    source = with_source(ledger)
    scan(ledger, source, {path: content.decode() for path, content in FILES.items()}, size=1)
    chunk = claim_chunk(ledger, worker="dead", lease_s=LEASE_S)
    assert chunk and claim_chunk(ledger, worker="dead", lease_s=LEASE_S)
    others = with_source(ledger, "/others")
    job = create_ingest_job(ledger, source_id=others.id, encoder_id=ENCODER, author="test")
    assert claim_scan(ledger, worker="dead", lease_s=LEASE_S, job_id=job)
    run = create_run(ledger, name="mine", preset="quick-cpu", source_ids=[source.id], author="test")
    assert isinstance(gangs.offer(ledger, worker="dead", address="::1", lease_s=LEASE_S), Member)
    shard = {"encoder_id": ENCODER, "key": "k", "sha256": "0" * 64, "rows": 1, "chunk_id": chunk.id}
    with ledger.write() as connection:
        connection.execute(tables.shard.insert().values(**shard, created_at=clock(connection)))
    assert claim_shard(ledger, worker="dead", lease_s=LEASE_S)
    announce(ledger, name="dead", queues="embed", host="h", pid=1, device="cpu")
    set_back(ledger, DAY_S)
    assert list_workers(ledger, alive_within_s=20), "so long as nobody looks after it"
    assert end_leases_ahead(ledger, lease_s=LEASE_S) == 6
    assert end_leases_ahead(ledger, lease_s=LEASE_S) == 0
    set_back(ledger, -1.5 * LEASE_S)
    assert claim_chunk(ledger, worker="next", lease_s=LEASE_S)
    assert claim_scan(ledger, worker="next", lease_s=LEASE_S, job_id=job)
    assert claim_shard(ledger, worker="next", lease_s=LEASE_S)
    found = gangs.offer(ledger, worker="next", address="::1", lease_s=LEASE_S)
    assert isinstance(found, Member) and (found.run_id, found.gang) == (run, 2)
    assert set(forget_silent(ledger, after_s=LEASE_S)) == {"dead"}


def test_a_worker_that_lives_keeps_what_it_holds(any_ledger: Ledger) -> None:
    ledger = any_ledger
    scan(ledger, with_source(ledger), {b"a.jpg": "one"})
    mine = claim_chunk(ledger, worker="alive", lease_s=LEASE_S)
    assert mine is not None
    set_back(ledger, DAY_S)
    assert end_leases_ahead(ledger, lease_s=LEASE_S) == 1
    for _ in range(4):
        set_back(ledger, -LEASE_S / 2)
        assert heartbeat_chunk(ledger, mine, lease_s=LEASE_S) == "go"
        assert claim_chunk(ledger, worker="other", lease_s=LEASE_S) is None


@pytest.mark.parametrize("back_s", [30.0, 300.0, 599.0, 3600.0])
@pytest.mark.parametrize("then", ["the dead worker's row is left", "another lives", "it starts again by its name"])
def test_a_step_back_by_minutes_is_not_waited_out(any_ledger: Ledger, back_s: float, then: str) -> None:
    ledger, lease_s = any_ledger, 60.0
    source = with_source(ledger)
    scan(ledger, source, {b"a.jpg": "one"})
    job = create_ingest_job(ledger, source_id=with_source(ledger, "/b").id, encoder_id=ENCODER, author="test")
    who = "alive" if then == "another lives" else "dead"
    announce(ledger, name=who, queues="embed", host="h", pid=1, device="cpu")
    assert claim_chunk(ledger, worker="dead", lease_s=lease_s)
    assert claim_scan(ledger, worker="dead", lease_s=lease_s, job_id=job)
    set_back(ledger, back_s)
    if who == "alive":
        assert beat(ledger, "alive", doing="", images=0), "which comes before the sweep as often as not"
    elif then == "it starts again by its name":
        announce(ledger, name=who, queues="embed", host="h", pid=1, device="cpu")
    assert end_leases_ahead(ledger, lease_s=lease_s) == 3
    assert end_leases_ahead(ledger, lease_s=lease_s) == 0, "whoever sweeps next finds it done"
    assert list_workers(ledger, alive_within_s=20), "it may be alive, and counts from now"
    assert claim_chunk(ledger, worker="next", lease_s=lease_s) is None
    set_back(ledger, -lease_s)
    assert claim_chunk(ledger, worker="next", lease_s=lease_s)
    assert claim_scan(ledger, worker="next", lease_s=lease_s, job_id=job)
    assert list_workers(ledger, alive_within_s=20) == []


def test_a_step_that_two_sweeps_find_at_once_is_mended_once(any_ledger: Ledger) -> None:
    ledger = any_ledger
    scan(ledger, with_source(ledger), {b"a.jpg": "one"})
    announce(ledger, name="dead", queues="embed", host="h", pid=1, device="cpu")
    assert claim_chunk(ledger, worker="dead", lease_s=LEASE_S)
    set_back(ledger, 300.0)
    with ThreadPoolExecutor(8) as sweeps:
        found = list(sweeps.map(lambda _: end_leases_ahead(ledger, lease_s=LEASE_S), range(8)))
    assert sorted(found) == [*[0] * 7, 2]


def test_leases_and_rests_of_a_clock_that_goes_right_are_left_alone(any_ledger: Ledger) -> None:
    ledger = any_ledger
    scan(ledger, with_source(ledger), {b"a.jpg": "one"})
    assert claim_chunk(ledger, worker="slow", lease_s=LEASES * LEASE_S + rests.LONGEST_S - 5)
    announce(ledger, name="slow", queues="embed", host="h", pid=1, device="cpu")
    with ledger.read() as connection:
        before = connection.execute(select(tables.chunk.c.lease_until)).scalar_one()
    assert end_leases_ahead(ledger, lease_s=LEASE_S) == 0
    with ledger.read() as connection:
        assert connection.execute(select(tables.chunk.c.lease_until)).scalar_one() == before


def test_sign_ins_that_failed_before_the_clock_was_set_back_shut_nobody_out(any_ledger: Ledger) -> None:
    limits = Limits(address=3)
    of_now, of_before = "203.0.113.9", "203.0.113.10"
    with any_ledger.write() as connection:
        line = {"action": SIGN_IN, "target": "anna", "outcome": "refused", "actor": ""}
        for _ in range(limits.address):
            for address, ahead_s in ((of_now, 0.0), (of_before, 3600.0)):
                at = clock(connection) + ahead_s
                connection.execute(tables.audit_event.insert().values(**line, address=address, at=at))
        with pytest.raises(TooManyFailures):
            check_failures(connection, limits, target="ben", address=of_now)
        check_failures(connection, limits, target="ben", address=of_before)
