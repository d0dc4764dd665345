"""Free ports for servers that are told one and may be started again on it: none that the kernel gives to connections.

A port that the kernel has given to a listener and taken back may be the next that it gives to a connection; a server
that is told to listen there then fails, one time in some hundreds.
"""

from __future__ import annotations

import random
import socket
from functools import cache
from pathlib import Path

FIRST = 20_000  # below are the usual ports of servers
DRAWS = 200
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_given: set[int] = set()
_randomly = random.SystemRandom()


def free_port() -> int:
    """A port that nobody listens on now, on any address, and that this process was not given before."""
    for _ in range(DRAWS):
        port = _randomly.randrange(FIRST, _end()) if _end() > FIRST + DRAWS else 0
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port
    raise OSError(f"{DRAWS} ports were tried, and each is taken")


@cache
def _end() -> int:
    """The first port that the kernel gives to connections."""
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        return 0
