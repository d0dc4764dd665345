"""Two hosts on one machine: network namespaces joined by a pair of virtual Ethernet devices, with nothing else."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4


@dataclass(frozen=True)
class Host:
    """A namespace, or without a name this machine, and the address that the other one reaches it at."""

    name: str
    address: str

    @property
    def through(self) -> list[str]:
        """What a command is started through to run there."""
        return ["ip", "netns", "exec", self.name] if self.name else []


class NoHosts(Exception):
    """The kernel, or the rights of this user, do not allow network namespaces; the message is theirs."""


@contextlib.contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Two hosts for as long as the block runs. Raises NoHosts."""
    mark = uuid4().hex[:6]
    hosts = Host(f"ruiji-{mark}-a", "10.213.7.1"), Host(f"ruiji-{mark}-b", "10.213.7.2")
    ends = f"rj{mark}a", f"rj{mark}b"
    try:
        for host in hosts:
            ip("netns", "add", host.name)
        ip("link", "add", ends[0], "netns", hosts[0].name, "type", "veth", "peer", ends[1], "netns", hosts[1].name)
        for host, end in zip(hosts, ends, strict=True):
            ip("-n", host.name, "link", "set", "lo", "up")
            ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", end)
            ip("-n", host.name, "link", "set", end, "up")
        yield hosts
    finally:
        for host in hosts:
            subprocess.run(["ip", "netns", "del", host.name], capture_output=True)


def ip(*arguments: str) -> None:
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoHosts("the program `ip` is not installed (Debian's package iproute2)") from error
    if done.returncode:
        raise NoHosts(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
