"""Nothing but this machine can reach a Ruiji that was started without settings: read from the kernel's own tables."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.attacks.tally import Tally
from tests.stack import Stack

LISTENS = "0A"


def sockets_of(pids: Iterable[int]) -> set[str]:
    """The inodes of all sockets that the processes hold."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for handle in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    target = str(handle.readlink())
                    if target.startswith("socket:["):
                        found.add(target.removeprefix("socket:[").removesuffix("]"))
    return found


def address(written: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address as the kernel writes it: words of four bytes, each in the order of this machine."""
    raw = bytes.fromhex(written)
    words = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    found = ipaddress.ip_address(words)
    return getattr(found, "ipv4_mapped", None) or found


def listeners(pids: Iterable[int]) -> Iterator[tuple[str, int]]:
    """Address and port of every TCP socket on which one of the processes waits for others."""
    ours = sockets_of(pids)
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                cells = line.split()
                host, _, port = cells[1].partition(":")
                if cells[3] == LISTENS and cells[9] in ours:
                    yield str(address(host)), int(port, 16)


def open_to_others(pids: Iterable[int]) -> list[tuple[str, int]]:
    """Those of the listeners that another machine can reach."""
    return [(host, port) for host, port in listeners(pids) if not ipaddress.ip_address(host).is_loopback]


def test_a_default_stack_listens_on_loopback_alone(stack: Stack, tally: Tally) -> None:
    pids = list(stack.processes())
    assert ("127.0.0.1", stack.port) in set(listeners(pids))
    assert len(pids) >= 8
    tally["listeners"] = len(open_to_others(pids))
    assert open_to_others(pids) == []


def test_a_listener_on_every_address_is_seen() -> None:
    for family, host, seen in ((socket.AF_INET, "0.0.0.0", "0.0.0.0"), (socket.AF_INET6, "::", "::")):
        with socket.socket(family) as probe:
            probe.bind((host, 0))
            probe.listen()
            assert (seen, probe.getsockname()[1]) in open_to_others([os.getpid()])
