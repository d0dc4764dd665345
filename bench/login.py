"""`ruiji bench login`: what it costs a request that people sign in, by a session's cookie and by a token.

The same requests to two applications on one ledger in this process, one that is open and one where people sign in; no
socket between. Every round asks all sides in an order of its own: what the machine does meanwhile hits all alike.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from flask.testing import FlaskClient

from bench.pictures import write_jpegs
from bench.record import RESULTS, publish
from bench.room import fresh_room
from catalog.api_tokens import add_token
from catalog.audit import By
from catalog.index import VectorIndex
from catalog.joining import join
from catalog.ledger import Ledger
from catalog.passwords import Passwords
from catalog.users import add_user
from ingest.pool import DecodePool
from webui.app import create_app
from webui.config import WebConfig
from webui.wsgi import PAGE_CACHE_MB
from worker.client import Client

PICTURES, SIZE, DIMENSION = 100, 96, 8
REQUESTS = {"thumbnail": "/thumbnail/1", "labels": "/api/v1/labels"}
WARM_UP = 50
BENCH = By("bench")
PASSWORD = "only for this measurement"  # noqa: S105  of a ledger that is thrown away
NOBODY = "127.0.0.1:1"  # neither the index nor a worker is asked


@dataclass(frozen=True)
class Side:
    """Somebody who asks; seconds of one request."""

    client: FlaskClient
    headers: Mapping[str, str]

    def ask(self, path: str) -> float:
        started = time.perf_counter()
        with self.client.get(path, headers=self.headers) as answer:
            answer.get_data()
            took = time.perf_counter() - started
            if answer.status_code != 200:
                raise RuntimeError(f"{path} was answered with {answer.status}")
        return took


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench login", description=__doc__)
    parser.add_argument("--requests", type=int, default=3000, help="of each kind, by each side")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for login.json")
    chosen = parser.parse_args(argv)
    publish("login", measure(requests=chosen.requests), folder=chosen.out, requests=chosen.requests, database="SQLite")
    return 0


def measure(*, requests: int) -> dict[str, Any]:
    """Of each kind of request: median milliseconds of the open side, and what cookie and token add to it."""
    figures: dict[str, Any] = {}
    with installation() as config:
        sides = {"open": open_side(config), **signed_in(config)}
        for kind, path in REQUESTS.items():
            times = in_turn({name: partial(side.ask, path) for name, side in sides.items()}, requests=requests)
            middle = {name: 1000 * statistics.median(some) for name, some in times.items()}
            figures[f"{kind}_ms"] = middle["open"]
            for name in ("session", "token"):
                figures[f"{kind}_{name}_adds_ms"] = middle[name] - middle["open"]
    return figures


def in_turn(sides: Mapping[str, Callable[[], float]], *, requests: int) -> dict[str, list[float]]:
    """What each call took, all sides once a round."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    order, random_order = list(sides), random.Random(0)
    for number in range(WARM_UP + requests):
        random_order.shuffle(order)
        for name in order:
            took = sides[name]()
            if number >= WARM_UP:
                times[name].append(took)
    return times


@contextmanager
def installation() -> Iterator[WebConfig]:
    """A hundred photos with thumbnails in a ledger of its own, of which each connection keeps as much as the page's."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="ruiji-bench-")))
        write_jpegs(scratch / "photos", count=PICTURES, width=SIZE, height=SIZE)
        room = stack.enter_context(fresh_room(scratch / "photos", dimension=DIMENSION, input_size=SIZE))
        with DecodePool(1, size=SIZE) as pool:
            room.ingest(pool, lambda pixels: np.tile(np.eye(1, DIMENSION, dtype=np.float32), (len(pixels), 1)))
        ledger = Ledger.open(str(room.ledger), page_cache_mb=PAGE_CACHE_MB)
        stack.callback(ledger.close)
        index, client = VectorIndex(f"http://{NOBODY}"), Client(f"redis://{NOBODY}/0")
        yield WebConfig(
            ledger=ledger,
            index=index,
            store=room.store,
            client=client,
            secret_key=b"of this measurement, 32 bytes long",
            request_limit="1000000/second",
        )


def open_side(config: WebConfig) -> Side:
    """Where nobody signs in, with the cookie that a browser has got there too."""
    client = create_app(config).test_client()
    client.get("/")
    return Side(client, {})


def signed_in(config: WebConfig) -> dict[str, Side]:
    """A person who came in by the door, and a program."""
    app = create_app(replace(config, login=True))
    user, code = add_user(config.ledger, "somebody", role="viewer", by=BENCH)
    join(config.ledger, Passwords(), code, password=PASSWORD, address="")
    _, secret = add_token(config.ledger, user.id, name="bench", scope="read", by=BENCH)
    client = app.test_client()
    [token] = re.findall(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
    client.post("/login", data={"csrf_token": token, "name": "somebody", "password": PASSWORD})
    program = app.test_client(use_cookies=False)
    return {"session": Side(client, {}), "token": Side(program, {"Authorization": f"Bearer {secret}"})}
