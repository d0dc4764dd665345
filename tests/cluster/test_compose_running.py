"""Every service of the Compose files as a process: PostgreSQL, Redis, their passwords, TLS to a further machine."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import select

from catalog import tables
from catalog.ledger import Ledger
from catalog.workers import list_workers
from tests.cluster import composing
from tests.cluster.composing import MAIN, NODE
from tests.cluster.installation import VARIABLES, Installation, commands_of
from tests.photos import jpeg, scene, write_folder
from tests.servers.ports import free_port
from tests.servers.processes import eventually
from tests.stack import Stack

# What needs no GPU; embed-gpu is the same command as embed with another device, and is tried below.
STAYS = [*((MAIN, name) for name in ("web", "query", "embed", "index", "beat")), (NODE, "embed")]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("compose")
    write_folder(folder / "photos" / "labelled", per_kind=8, labelled=True)
    with Installation(folder).engines_running() as made:
        yield made


@pytest.fixture(scope="module")
def processes(installation: Installation) -> Iterator[dict[tuple[Path, str], subprocess.Popen[bytes]]]:
    """`setup` to its end, then all that stays, each by its own command."""
    setup = installation.run(MAIN, "setup")
    assert setup.returncode == 0, setup.stderr
    assert setup.stdout.startswith("ready: encoder ")
    with contextlib.ExitStack() as stack:
        started = {key: stack.enter_context(installation.service(*key)) for key in STAYS}
        yield started
        for process in started.values():  # together, as `docker compose down` does
            process.terminate()


def test_every_service_becomes_healthy_by_its_own_check(
    installation: Installation, processes: dict[tuple[Path, str], subprocess.Popen[bytes]]
) -> None:
    for path, name in STAYS:
        if "healthcheck" in composing.ours(path)[name]:
            log = installation.log(path, name)
            eventually(lambda path=path, name=name: installation.healthy(path, name), within_s=240, log=log)  # type: ignore[misc]
    assert all(process.poll() is None for process in processes.values())


def test_the_database_tells_that_it_is_healthy(installation: Installation) -> None:
    program, *options = composing.services(MAIN)["postgres"]["healthcheck"]["test"][1:]
    command = [installation.postgres.program(program), *options]
    answers = {
        port: subprocess.run(command, env={"PGPORT": str(port)}, capture_output=True).returncode
        for port in (installation.postgres.port, free_port())
    }
    assert list(answers.values()) == [0, 2]


def test_setup_may_run_again_beside_all_others(
    installation: Installation, processes: dict[tuple[Path, str], subprocess.Popen[bytes]]
) -> None:
    assert installation.run(MAIN, "setup").returncode == 0


def test_photos_go_in_by_a_machine_that_joined_over_tls_and_are_found(
    installation: Installation, processes: dict[tuple[Path, str], subprocess.Popen[bytes]]
) -> None:
    # Only the further machine embeds: the first one's worker is told to stop, as `docker compose stop embed` does.
    first = processes[MAIN, "embed"]
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=120) == 0, installation.log(MAIN, "embed").read_text()
    photos = installation.folder / "photos"
    page = Stack(home=installation.folder / "unused", allowed_root=photos, port=installation.page_port)
    assert page.request("GET", "/api/v1/labels").status == 401
    assert "/first?code=" in installation.log(MAIN, "web").read_text()
    assert installation.run(MAIN, "web", ["ruiji", "users", "add", "anna", "--role", "admin"]).returncode == 0
    made = installation.run(MAIN, "web", ["ruiji", "token", "add", "anna", "photos", "--scope", "admin"])
    page.bearer = made.stdout.strip()
    job = page.wait_job(page.ingest(photos / "labelled", labels_from_folders=True))
    assert (job["state"], job["embedded"], job["bad"]) == ("done", 24, 0)
    results = page.upload(jpeg(scene("grass", 77)), k=5).json()["results"]
    assert {label["name"] for label in results[0]["labels"]} == {"grass"}
    ledger = Ledger.open(installation.environment(MAIN, "web")["RUIJI_DATABASE_URL"])
    [worker] = [row for row in list_workers(ledger, alive_within_s=120) if row.queues == "embed"]
    with ledger.read() as connection:
        embedded_by = set(connection.scalars(select(tables.chunk.c.worker)))
    ledger.close()
    assert embedded_by == {worker.name}


def test_the_shell_commands_of_the_page_are_answered_by_the_containers_that_it_names(
    installation: Installation, processes: dict[tuple[Path, str], subprocess.Popen[bytes]]
) -> None:
    begun = ["docker", "compose", "exec"]
    for line in commands_of("shell").splitlines():
        words = line.split()
        assert words[:3] == begun
        photos = str(installation.folder / "photos")
        command = [photos if word == "/photos" else word for word in words[4:]]
        done = installation.run(MAIN, words[3], command)
        assert done.returncode == 0, (line, done.stdout, done.stderr)


def test_engines_refuse_who_has_no_password_and_nodes_refuse_another_certificate(
    installation: Installation, processes: dict[tuple[Path, str], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    with pytest.raises(redis.AuthenticationError), redis.Redis(port=installation.redis.port) as connection:
        connection.ping()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host="127.0.0.1", port=installation.postgres.port, user="ruiji", password="wrong")
    environment = installation.environment(NODE, "embed")
    other = tmp_path / "tls"
    other.mkdir()
    make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=another -keyout key -out ca.crt"
    subprocess.run(make.split(), cwd=other, check=True, capture_output=True)
    url = environment["RUIJI_DATABASE_URL"].replace(str(installation.folder / "tls"), str(other))
    with pytest.raises(Exception, match="certificate verify failed"):
        Ledger.open(url)
    broker = environment["RUIJI_BROKER_URL"].replace(str(installation.folder / "tls"), str(other))
    assert broker != environment["RUIJI_BROKER_URL"]
    with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"), redis.Redis.from_url(broker) as far:
        far.ping()


def test_a_machine_without_a_gpu_says_so(installation: Installation) -> None:
    assert installation.command(MAIN, "embed-gpu") == installation.command(NODE, "embed-gpu")
    found = installation.run(NODE, "embed-gpu")
    assert found.returncode == 1
    assert "no GPU can be used here" in found.stderr


def test_passwords_are_given_by_nobody_but_the_environment() -> None:
    for path in (MAIN, NODE):
        with pytest.raises(KeyError, match="PASSWORD"):
            composing.filled(composing.services(path), {**VARIABLES, "POSTGRES_PASSWORD": "", "REDIS_PASSWORD": ""})
