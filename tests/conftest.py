"""Real servers for all tests, started when the first test asks, on loopback, in temporary folders."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from bench.milvus_server import MilvusServer
from bench.surroundings import is_setting, surroundings
from deploy.valkey import answers, valkey_part
from tests.chromium import chromium
from tests.in_memory import write_into_memory
from tests.servers.milvus_lite import MilvusLite
from tests.servers.ports import stop
from tests.servers.s3 import S3Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).resolve().parent
# The folders that take longest, longest first: begun last, one of them would keep one process busy and the others idle.
LONGEST = (
    *("browser", "deploy", "catalog", "encoder", "faults", "flows", "cluster", "catalog/index"),
    *("webui", "training", "bench", "curate", "attacks", "worker", "ingest"),
)


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Before the first temporary folder, and before any test says how it draws."""
    write_into_memory()
    # What is drawn is the same each time, and a machine that is slow at that moment is no fault of what is tested.
    settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("steady")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores: each waits for pages, leases and starts of other processes a third of its time."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of one folder share its servers, so one process takes them all."""
    from xdist.scheduler.loadscope import LoadScopeScheduling

    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = lambda nodeid: nodeid.partition("::")[0].rpartition("/")[0]
    return scheduler


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, for `--no-loadscope-reorder`."""
    items.sort(key=lambda item: LONGEST.index(folder_of(item)) if folder_of(item) in LONGEST else len(LONGEST))


def folder_of(item: pytest.Item) -> str:
    """The folder of a test, relative to `tests`."""
    return item.path.parent.relative_to(HERE).as_posix()


@pytest.fixture(scope="session", autouse=True)
def _away_from_a_persons_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings that a test makes in this process are its own: no variable, `.env` or `ruiji.toml` of a person's."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if is_setting(name)]:
            patch.delenv(name)
        for name, value in surroundings().items():
            patch.setenv(name, value)
        patch.chdir(tmp_path_factory.mktemp("nowhere"))
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for all folders."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def milvus_lite_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A milvus-lite server, shared: a test uses collections of its own."""
    server = MilvusLite(tmp_path_factory.mktemp("lite") / "milvus")
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[MilvusServer]:
    """A Milvus 2.3.5 server with a login, shared; mark the tests that use it with `milvus`."""
    assert pytestconfig.cache is not None
    unpacked = pytestconfig.cache.mkdir("milvus-2.3.5")
    server = MilvusServer(tmp_path_factory.mktemp("milvus"), unpacked)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def milvus_url(milvus_server: MilvusServer) -> str:
    """Its address, with the login in it: a test uses collections of its own."""
    return milvus_server.url


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server, shared: a test uses buckets of its own. Its keys are in the environment, as on a real machine."""
    server = S3Server()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.variables.items():
            patch.setenv(name, value)
        yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey on a Unix socket with its append-only file on; shared, so a test uses keys of its own."""
    folder = tmp_path_factory.mktemp("valkey")
    socket = folder / "run" / "valkey.sock"
    url = f"redis+socket://{socket}?virtual_host=0"
    part = valkey_part(data=folder / "data", socket=socket)
    with (folder / "valkey.log").open("wb") as sink:
        server = subprocess.Popen(part.command, stdout=sink, stderr=sink)
    try:
        until = time.monotonic() + 60
        while not answers(url):
            assert time.monotonic() < until and server.poll() is None, (folder / "valkey.log").read_text()
            time.sleep(0.02)
        yield url
    finally:
        stop(server)
