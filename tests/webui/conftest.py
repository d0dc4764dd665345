"""One furnished room for all tests of the web server, its query worker, and clients of three kinds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from catalog.sign_in_limits import Limits
from catalog.users import ROLES, Role
from deploy.valkey import answers, valkey_part
from tests.photos import jpeg, scene
from tests.webui.doors import CHEAP, Person, joined
from tests.webui.room import PATIENCE_S, Room, Visitor, furnished, query_worker, running, signed_in, visiting
from webui.app import create_app
from webui.config import WebConfig
from worker.client import Client


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with furnished(tmp_path_factory.mktemp("web")) as room:
        yield room


@pytest.fixture(scope="session")
def config(room: Room) -> Iterator[WebConfig]:
    samples = room.home / "samples"
    samples.mkdir()
    (samples / "sky #1.jpg").write_bytes(jpeg(scene("sky", 333)))
    (samples / "brick.jpg").write_bytes(jpeg(scene("brick", 333)))
    client = Client(room.broker_url)
    yield WebConfig(
        ledger=room.ledger,
        index=room.index,
        store=room.store,
        client=client,
        secret_key=b"a key for tests, 32 bytes long..",
        allowed_roots=(room.photos,),
        samples_dir=samples,
    )
    client.close()


@pytest.fixture(scope="session")
def app(config: WebConfig) -> Flask:
    return create_app(config)


@pytest.fixture(scope="session")
def guarded(config: WebConfig) -> Flask:
    """The same where people sign in."""
    roomy = Limits(address=1000)  # all tests come from one
    return create_app(replace(config, login=True, passwords=CHEAP, sign_in_limits=roomy))


@pytest.fixture(scope="session")
def people(room: Room) -> dict[Role, Person]:
    """One user of each role."""
    return {role: joined(room.ledger, f"a {role}", role) for role in ROLES}


@pytest.fixture(scope="session")
def worker(room: Room) -> Iterator[None]:
    with query_worker(room):
        yield


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody without a session; no worker is needed for what they may do."""
    return visiting(app)


@pytest.fixture
def person(app: Flask, worker: None) -> Visitor:
    """Somebody at the page, with everything running."""
    return signed_in(app)


@pytest.fixture(scope="session")
def deserted(config: WebConfig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Somebody at the page of a server whose broker runs and has no worker."""
    folder = tmp_path_factory.mktemp("deserted")
    socket = folder / "run" / "valkey.sock"
    url = f"redis+socket://{socket}?virtual_host=0"
    with running(valkey_part(data=folder / "data", socket=socket), ready=lambda: answers(url)):
        client = Client(url)
        yield signed_in(create_app(replace(config, client=client, query_timeout_s=PATIENCE_S)))
        client.close()


@pytest.fixture
def brokerless(config: WebConfig) -> Iterator[Visitor]:
    """Somebody at the page of a server whose broker does not run."""
    client = Client("redis://127.0.0.1:1/0")
    yield signed_in(create_app(replace(config, client=client, query_timeout_s=PATIENCE_S)))
    client.close()
