"""A port that is given out is free, is not given twice, and is none that the kernel gives to connections."""

from __future__ import annotations

import itertools
import socket
from pathlib import Path

import pytest

from bench import ports


def test_no_port_is_given_twice_and_each_can_be_listened_on() -> None:
    given = [ports.free_port() for _ in range(50)]
    assert len(set(given)) == 50
    for port in given:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))


def test_none_is_of_those_that_connections_are_given() -> None:
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if low <= ports.FIRST + ports.DRAWS:
        pytest.skip("this machine gives nearly all ports to connections")
    assert max(ports.free_port() for _ in range(50)) < low


def test_one_that_is_listened_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        port = ports.free_port()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        drawn = itertools.count(port)
        monkeypatch.setattr(ports._randomly, "randrange", lambda *_: next(drawn))
        monkeypatch.setattr(ports, "_given", set[int]())
        assert port < ports.free_port() < port + ports.DRAWS
