"""Engines that let nobody in, are full, too old, or of another version's installation: each says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import update

from catalog import tables
from catalog.ledger import Ledger, LedgerError
from catalog.workers import announce
from deploy.checkup import broker, stores
from deploy.checkup.finding import Finding
from deploy.prepare import prepare
from deploy.shell.doctor import examine
from settings import Settings
from tests.servers.ports import free_port
from tests.servers.postgresql import PostgreSQL
from tests.servers.processes import eventually, once, running
from tests.servers.valkey import Valkey
from worker.client import Client, WorkerUnavailable

PASSWORD = "4d1f6b0c2a"


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey") / "data", ["--requirepass", PASSWORD, "--save", ""], PASSWORD)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgreSQL]:
    server = PostgreSQL(PASSWORD)
    server.start()
    yield server
    server.stop()


def broker_url(valkey: Valkey, password: str = PASSWORD) -> str:
    return f"redis://:{password}@127.0.0.1:{valkey.port}/0"


def ledger_url(postgres: PostgreSQL, *, password: str = PASSWORD, database: str = "ruiji") -> str:
    return f"postgresql://ruiji:{password}@127.0.0.1:{postgres.port}/{database}"


@pytest.fixture
def full(valkey: Valkey) -> Iterator[Valkey]:
    """With less memory than it uses already, for as long as the test runs."""
    with redis.Redis(port=valkey.port, password=PASSWORD) as connection:
        connection.config_set("maxmemory", "100kb")
        yield valkey
        connection.config_set("maxmemory", "0")


def test_a_full_broker_is_said_to_be_full_and_nothing_lost(full: Valkey) -> None:
    client = Client(broker_url(full))
    for call in (client.wake_embed, lambda: client.embed_query(key="uploads/x", timeout_s=60)):
        with pytest.raises(WorkerUnavailable, match=r"is full.*maxmemory.*Nothing is lost") as caught:
            call()
        assert PASSWORD not in str(caught.value)
    client.close()


def found(valkey: Valkey, **settings: str) -> dict[str, Finding]:
    with redis.Redis(port=valkey.port, password=PASSWORD) as connection:
        before = {name: connection.config_get(name)[name] for name in settings}
        for name, value in settings.items():
            connection.config_set(name, value)
        try:
            return {one.what: one for one in broker.look(Settings(broker_url=broker_url(valkey)))}
        finally:
            for name, value in before.items():
                connection.config_set(name, value)


def test_doctor_tells_of_a_full_and_of_an_evicting_broker(valkey: Valkey) -> None:
    well = found(valkey)
    assert {one.how for one in well.values()} == {"ok"}
    assert "Valkey" in well["broker"].found and "without a limit" in well["broker's memory"].found
    assert "clock of this machine and the broker" in well
    assert found(valkey, maxmemory="100kb")["broker's memory"].how == "wrong"
    evicting = found(valkey, maxmemory="1gb", **{"maxmemory-policy": "allkeys-lru"})["broker's eviction policy"]
    assert evicting.how == "wrong" and "allkeys-lru" in evicting.found and "noeviction" in evicting.do


def test_a_wrong_password_of_the_broker(valkey: Valkey, tmp_path: Path) -> None:
    wrong = broker_url(valkey, "wrong")
    client = Client(wrong)
    with pytest.raises(WorkerUnavailable, match=r"refuses the user or password of RUIJI_BROKER_URL"):
        client.waiting("query")
    client.close()
    [finding] = broker.look(Settings(broker_url=wrong))
    assert (finding.what, finding.how) == ("broker", "wrong") and "password" in finding.found
    environment = {"RUIJI_HOME": str(tmp_path / "home"), "RUIJI_BROKER_URL": wrong}
    ended = once(["ruiji", "worker", "--queues", "embed"], folder=tmp_path, environment=environment)
    assert ended.returncode == 3
    assert "refuses the user or password of RUIJI_BROKER_URL" in ended.stderr and "Traceback" not in ended.stderr


def test_a_ledger_that_lets_nobody_in_is_not_there_or_too_old(
    postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = f"postgresql://ruiji:{PASSWORD}@127.0.0.1:1/ruiji"
    for url, said in (
        (ledger_url(postgres, password="wrong-one"), r"refuses this user or password .*RUIJI_DATABASE_URL"),
        (ledger_url(postgres, database="other"), r"is not there .*create it"),
        (nowhere, r"is not reached .*is PostgreSQL running"),
    ):
        with pytest.raises(LedgerError, match=said) as caught:
            Ledger.open(url)
        assert PASSWORD not in str(caught.value) and "wrong-one" not in str(caught.value)
        _, [finding] = stores.open_ledger(Settings(database_url=url))
        assert (finding.what, finding.how) == ("ledger", "wrong")
    monkeypatch.setattr("catalog.ledger_errors.OLDEST_POSTGRESQL", 99)
    with pytest.raises(LedgerError, match=r"is PostgreSQL \d+: Ruiji needs 99 or newer; update the server first"):
        Ledger.open(ledger_url(postgres))


def test_a_page_that_cannot_open_its_ledger_says_why_and_ends(postgres: PostgreSQL, tmp_path: Path) -> None:
    environment = {
        "RUIJI_HOME": str(tmp_path / "home"),
        "RUIJI_DATABASE_URL": ledger_url(postgres, password="wrong-one"),
        "RUIJI_INDEX_URL": "http://127.0.0.1:1",
        "RUIJI_LOG": "json",
    }
    command = ["python", "-m", "deploy.gunicorn_server", "--bind", f"127.0.0.1:{free_port()}"]
    ended = once(command, folder=tmp_path, environment=environment)
    assert ended.returncode == 3
    assert "refuses this user or password" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr and "wrong-one" not in ended.stdout + ended.stderr


def test_doctor_looks_at_tables_and_leaves_them_as_they_are(postgres: PostgreSQL) -> None:
    settings = Settings(database_url=ledger_url(postgres))
    ledger, findings = stores.open_ledger(settings)
    assert ledger is None and {one.what: one.how for one in findings} == {
        "ledger": "ok", "clock of this machine and the ledger": "ok", "tables": "note",
    }  # fmt: skip
    Ledger.open(ledger_url(postgres)).close()
    ledger, findings = stores.open_ledger(settings)
    assert ledger is not None and {one.how for one in findings} == {"ok"}
    for revision, said in (("0001", "deploy.prepare"), ("9999", "update this program")):
        with ledger.write() as connection:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        none, findings = stores.open_ledger(settings)
        assert none is None and findings[-1].how == "wrong" and said in findings[-1].do
    with ledger.write() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    ledger.close()


def test_a_worker_of_another_version_takes_no_work(valkey: Valkey, postgres: PostgreSQL, tmp_path: Path) -> None:
    environment = {
        "RUIJI_HOME": str(tmp_path / "home"),
        "RUIJI_BROKER_URL": broker_url(valkey),
        "RUIJI_DATABASE_URL": ledger_url(postgres),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
    }
    settings = Settings(home=tmp_path / "home", broker_url=broker_url(valkey), database_url=ledger_url(postgres))
    prepare(settings)
    ledger, log = Ledger.open(ledger_url(postgres)), tmp_path / "worker.log"

    def installed(version: str) -> None:
        with ledger.write() as connection:
            connection.execute(update(tables.installation).values(version=version))

    command = ["ruiji", "worker", "--queues", "embed", "--device", "cpu"]
    with running(command, folder=tmp_path, log=log, environment=environment) as worker:
        eventually(lambda: log.exists() and "ready (embed@" in log.read_text(), within_s=150, log=log)
        installed("0.2.0")  # the installation is updated under it
        assert worker.wait(timeout=120) == 1
    assert "the installation is 0.2.0: it takes no work" in log.read_text()
    again = once(command, folder=tmp_path, environment=environment)
    assert again.returncode == 1
    assert "Bring this machine to 0.2.0" in again.stderr and "Traceback" not in again.stderr
    announce(ledger, name="embed@far:1", queues="embed", host="far", pid=1, device="cpu", version="0.2.0+abcdef01")
    looked = list(examine(settings, repair=False, quick=True))
    wrong = {finding.what: f"{finding.found}; {finding.do}" for finding in looked if finding.how == "wrong"}
    assert "the installation 0.2.0" in wrong["version"]
    assert "runs 0.2.0+abcdef01" in wrong["worker embed@far:1"] and "one version" in wrong["worker embed@far:1"]
    assert PASSWORD not in str(looked)
    ledger.close()
