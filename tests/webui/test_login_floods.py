"""Many guesses at the door: from one network of IPv6, and at one moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask

from catalog.addresses import customer
from catalog.passwords import Passwords
from catalog.sign_in_limits import Limits
from catalog.users import Role
from deploy.gunicorn_server import THREADS
from tests.webui.doors import CHEAP, PASSWORD, Person, knock, let_in
from tests.webui.room import visiting
from webui.app import create_app
from webui.config import WebConfig

HELD = 4  # one whose password is compared, and three who wait


class Slow(Passwords):
    """Compares passwords once it is let."""

    def __init__(self) -> None:
        super().__init__(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.goes_on = threading.Event()

    def matches(self, kept: str | None, password: str) -> bool:
        assert self.goes_on.wait(300)
        return super().matches(kept, password)


def guess(app: Flask, name: str, *, address: str, password: str = "wrong, and long enough") -> Any:
    """One attempt from there; the answer."""
    client = visiting(app)
    client.environ_base["HTTP_X_FORWARDED_FOR"] = address
    return knock(client, name, password=password)


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:0DB8:0:1::", "2001:db8:0:1::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("203.0.113.1", "203.0.113.1"),
        ("what a proxy says: anything", "what a proxy says: anything"),
        ("", ""),
    ],
)
def test_whose_an_address_is(address: str, whose: str) -> None:
    assert customer(address) == whose


def test_a_network_of_ipv6_is_one_who_guesses(config: WebConfig) -> None:
    app = create_app(replace(config, login=True, passwords=CHEAP, sign_in_limits=Limits(address=3), proxies=1))
    theirs = ["2001:db8:0:1::1", "2001:db8:0:1:2:3:4:5", "2001:db8:0:1:ffff::", "2001:0DB8:0:1::6"]
    statuses = [guess(app, f"of a network {at}", address=one).status_code for at, one in enumerate(theirs)]
    assert statuses == [403, 403, 403, 429]
    assert guess(app, "of the next network", address="2001:db8:0:2::1").status_code == 403
    mapped = [f"::ffff:203.0.113.{at}" for at in (1, 1, 1, 2, 1)]  # by IPv4, another is somebody else
    statuses = [guess(app, f"by IPv4 {at}", address=one).status_code for at, one in enumerate(mapped)]
    assert statuses == [403, 403, 403, 403, 429]


def test_who_is_refused_for_failing_is_told_for_how_long(config: WebConfig, people: dict[Role, Person]) -> None:
    app = create_app(replace(config, login=True, passwords=CHEAP, sign_in_limits=Limits(address=1), proxies=1))
    client = let_in(app, people["viewer"].name, address="198.51.100.77")
    wrong = {"old": "wrong, and long enough", "password": PASSWORD, "again": PASSWORD}
    assert client.post("/account", data=wrong).status_code == 400
    for answer in (guess(app, "told", address="198.51.100.77"), client.post("/account", data=wrong)):
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 900


def test_a_flood_of_guesses_leaves_threads_to_who_has_signed_in(config: WebConfig, people: dict[Role, Person]) -> None:
    slow = Slow()
    limits = Limits(name_and_address=1, address=1000)
    app = create_app(replace(config, login=True, passwords=slow, sign_in_limits=limits, proxies=1))
    with threads_for(slow) as pool:
        with all_let_go(slow):
            assert guess(app, "has failed", address="198.51.100.9").status_code == 403
        flood = [pool.submit(guess, app, f"flood {at}", address="198.51.100.8") for at in range(THREADS)]
        answers: list[Future[Any]] = list(islice(as_completed(flood, timeout=120), THREADS - HELD))
        assert {(one.result().status_code, one.result().headers["Retry-After"]) for one in answers} == {(429, "1")}
        assert "Try again in a moment" in answers[0].result().get_data(as_text=True)
        told = guess(app, "has failed", address="198.51.100.9")  # which needs no turn
        assert "Too many failed sign-ins" in told.get_data(as_text=True)
        slow.goes_on.set()
        assert [one.result(120).status_code for one in flood if one not in answers] == [403] * HELD
    assert guess(app, people["viewer"].name, address="198.51.100.10", password=PASSWORD).status_code == 303


@contextmanager
def all_let_go(slow: Slow) -> Iterator[None]:
    """Passwords are compared at once meanwhile."""
    slow.goes_on.set()
    yield
    slow.goes_on.clear()


@contextmanager
def threads_for(slow: Slow) -> Iterator[ThreadPoolExecutor]:
    """As many threads as the page's; a test that fails leaves none of them waiting for a password."""
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            yield pool
        finally:
            slow.goes_on.set()
