"""A real Valkey on a Unix socket, and worker processes on a home folder of the test's own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.surroundings import surroundings
from catalog.artifacts import ArtifactStore
from catalog.encoders import serving_encoder
from catalog.jobs import create_ingest_job
from catalog.ledger import Ledger
from catalog.sources import add_source
from deploy.encoder_setup import SHIPPED, set_up_encoder
from deploy.valkey import answers, valkey_part
from settings import Settings
from worker.client import Client
from worker.context import Context
from worker.embedding import EmbedLoop
from worker.service import make_context


def start_valkey(settings: Settings) -> subprocess.Popen[bytes]:
    """Start the embedded broker of a home folder and wait for its PING."""
    part = valkey_part(data=settings.home / "valkey", socket=settings.socket_path)
    process = subprocess.Popen(part.command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not answers(settings.resolved_broker_url()):
        assert time.monotonic() < until, "Valkey did not start"
        time.sleep(0.02)
    return process


def end(process: subprocess.Popen[bytes]) -> int:
    """SIGTERM, and the exit code."""
    if process.poll() is None:
        process.terminate()
    return process.wait(timeout=120)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home folder with a running broker and the shipped encoder in its ledger."""
    settings = Settings(home=tmp_path_factory.mktemp("h"), index_url="http://127.0.0.1:1")
    valkey = start_valkey(settings)
    ledger = Ledger.open(settings.resolved_database_url())
    set_up_encoder(ledger, ArtifactStore(settings.resolved_artifacts_url()), SHIPPED)
    ledger.close()
    yield settings
    end(valkey)


@pytest.fixture(scope="module")
def run_worker(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start a worker of a queue; it is ended with the module."""
    started: list[subprocess.Popen[bytes]] = []
    nowhere = tmp_path_factory.mktemp("nowhere")
    environment = surroundings(RUIJI_HOME=str(settings.home), RUIJI_INDEX_URL=settings.index_url)

    def run(queue: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "ruiji", "worker", "--queues", queue]
        started.append(subprocess.Popen(command, cwd=nowhere, env=environment, start_new_session=True))
        return started[-1]

    yield run
    for process in started:
        end(process)


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[Client]:
    """A client of the home's broker."""
    client = Client(settings.resolved_broker_url())
    yield client
    client.close()


@pytest.fixture(scope="module")
def ledger(settings: Settings) -> Iterator[Ledger]:
    """The home's ledger."""
    ledger = Ledger.open(settings.resolved_database_url())
    yield ledger
    ledger.close()


@pytest.fixture(scope="module")
def store(settings: Settings) -> ArtifactStore:
    """The home's artifact store."""
    return ArtifactStore(settings.resolved_artifacts_url())


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    """What an embed worker of the home works with."""
    context = make_context(settings, queue="embed")
    context.limits = replace(context.limits, chunk_files=10, decode_processes=1)
    context.replies._redis.delete("embed", "index")
    yield context
    context.client.close()
    context.ledger.close()


@pytest.fixture
def loop(context: Context) -> Iterator[EmbedLoop]:
    """Its loop."""
    loop = EmbedLoop(context)
    yield loop
    loop.close()


def new_job(ledger: Ledger, folder: Path) -> int:
    """An ingest of a folder with the serving encoder."""
    encoder = serving_encoder(ledger)
    assert encoder is not None
    source = add_source(ledger, folder)
    return create_ingest_job(ledger, source_id=source.id, encoder_id=encoder.id, author="test")
