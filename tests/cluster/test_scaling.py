"""What KEDA asks the ledger, asked of a real one on PostgreSQL, by the user that docs/SCALE.md makes for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest

from catalog.chunks import add_chunks, claim_chunk
from catalog.jobs import cancel_job, pause_job, resume_job, scan_done
from catalog.ledger import Ledger
from catalog.places import record_files
from catalog.runs import PRESETS, cancel_run, create_run, pause_run, resume_run
from tests.catalog.stand_in import ENCODER, commit, found, start, with_source
from tests.cluster.installation import commands_of
from tests.cluster.manifests import FOLDER, built
from tests.servers.postgresql import PostgreSQL

PASSWORD = "5e01c3"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A ledger's server, with the user that the page says how to make."""
    server = PostgreSQL("4d1f6b0c2a")
    try:
        server.start()
        Ledger.open(address(server)).close()
        with psycopg.connect(address(server), autocommit=True) as connection:
            connection.execute(cast(Any, commands_of("scaler").replace("CHOOSE_ONE", PASSWORD)))
        yield server
    finally:
        server.stop()


@pytest.fixture
def ledger(server: PostgreSQL) -> Iterator[Ledger]:
    opened = Ledger.open(address(server))
    yield opened
    opened.close()


@pytest.fixture
def scaler(server: PostgreSQL) -> Iterator[psycopg.Connection[Any]]:
    """Connected as KEDA is."""
    with psycopg.connect(address(server, user="ruiji_scaler", password=PASSWORD), autocommit=True) as connection:
        yield connection


def address(server: PostgreSQL, *, user: str = "ruiji", password: str = "") -> str:
    return f"postgresql://{user}:{password or server.password}@127.0.0.1:{server.port}/ruiji"


def query_of(name: str) -> str:
    """The question of a ScaledObject."""
    manifests = built(FOLDER / "overlays" / "train")
    [scaling] = [one for one in manifests if one["kind"] == "ScaledObject" and one["metadata"]["name"] == name]
    return str(scaling["spec"]["triggers"][0]["metadata"]["query"])


def test_embedding_pods_follow_the_work_from_the_scan_to_the_last_chunk(
    ledger: Ledger, scaler: psycopg.Connection[Any]
) -> None:
    query = cast(Any, query_of("embed"))

    def asked() -> float:
        row = scaler.execute(query).fetchone()
        assert row is not None
        [value] = row
        return float(value)

    assert asked() == 0
    source = with_source(ledger)
    scan = start(ledger, source)
    assert asked() == 1  # a scan needs a pod: it is an embedding worker that scans
    folder = {b"a": "A", b"b": "B", b"c": "C"}
    places = record_files(ledger, job_id=scan.job_id, source_id=source.id, files=found(folder))
    add_chunks(ledger, job_id=scan.job_id, encoder_id=ENCODER, chunks=[[place] for place in places])
    assert asked() == 4
    assert scan_done(ledger, scan.scan)
    assert asked() == 3
    first = claim_chunk(ledger, worker="w", lease_s=60)
    assert first is not None
    assert asked() == 3  # what is being done keeps its pod
    assert commit(ledger, first, folder) == "committed"
    assert asked() == 2
    assert pause_job(ledger, scan.job_id)
    assert asked() == 0
    assert resume_job(ledger, scan.job_id)
    assert asked() == 2
    assert cancel_job(ledger, scan.job_id)
    assert asked() == 0


def test_all_that_can_train_are_there_while_a_run_is(ledger: Ledger, scaler: psycopg.Connection[Any]) -> None:
    query = cast(Any, query_of("train"))

    def pods() -> float:
        row = scaler.execute(query).fetchone()
        assert row is not None
        [value] = row
        return min(float(value), 2)  # maxReplicaCount

    assert pods() == 0
    source = with_source(ledger, "/training")
    made = create_run(ledger, name="birds", preset=next(iter(PRESETS)), source_ids=[source.id], ranks=2, author="wei")
    assert pods() == 2
    assert pause_run(ledger, made)
    assert pods() == 0
    assert resume_run(ledger, made)
    assert pods() == 2
    assert cancel_run(ledger, made)
    assert pods() == 0


def test_who_scales_sees_no_more_than_how_much_there_is_to_do(scaler: psycopg.Connection[Any]) -> None:
    for table in ("image", "label_event", "place", "chunk"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            scaler.execute(cast(Any, f"SELECT * FROM {table}"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        scaler.execute("UPDATE job SET state = 'cancelled'")
