"""Hosts on one machine: network namespaces joined by a switch and nothing else, whose wires can be pulled."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

CLONE_NEWNET = 0x40000000


@dataclass(frozen=True)
class Host:
    """A namespace, or without a name this machine; the address that the others reach it at, and its wire's far end."""

    name: str
    address: str
    switch: str = ""
    wire: str = ""

    @property
    def hardware(self) -> str:
        """The address of its network card."""
        return f"02:00:00:00:07:{int(self.address.rpartition('.')[2]):02x}"

    @property
    def through(self) -> list[str]:
        """What a command is started through to run there, under the host's own name; it keeps its process id."""
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.name]
        return ["ip", "netns", "exec", self.name, *named] if self.name else []

    def cut_off(self) -> None:
        """Pull its wire out of the switch: nothing goes in or out, and nobody is told."""
        ip("-n", self.switch, "link", "set", self.wire, "down")

    def join_again(self) -> None:
        """Put the wire back."""
        ip("-n", self.switch, "link", "set", self.wire, "up")

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Be there with this thread, and with the threads and processes that it starts, until the block ends."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(there)
            try:
                yield
            finally:
                _enter(here)
        finally:
            os.close(there)
            os.close(here)


class NoHosts(Exception):
    """The kernel, or the rights of this user, do not allow network namespaces; the message is theirs."""


@contextlib.contextmanager
def hosts_joined(*names: str) -> Iterator[tuple[Host, ...]]:
    """One host for each name, for as long as the block runs. Raises NoHosts."""
    mark = uuid4().hex[:6]
    switch = f"ruiji-{mark}-switch"
    hosts = tuple(
        Host(f"ruiji-{mark}-{name}", f"10.213.7.{at}", switch, f"rj{mark}{at}")
        for at, name in enumerate(names, start=1)
    )
    try:
        ip("netns", "add", switch)
        ip("-n", switch, "link", "add", "br0", "type", "bridge")
        ip("-n", switch, "link", "set", "br0", "up")
        for host in hosts:
            ip("netns", "add", host.name)
            ip("link", "add", host.wire, "netns", switch, "type", "veth", "peer", "net0", "netns", host.name)
            ip("-n", switch, "link", "set", host.wire, "master", "br0", "up")
            ip("-n", host.name, "link", "set", "lo", "up")
            ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", "net0")
            ip("-n", host.name, "link", "set", "net0", "address", host.hardware, "up")
        for host, other in itertools.permutations(hosts, 2):
            # As behind a router: what is sent to a host that is cut off is lost, and no error comes back.
            known = ["neigh", "replace", other.address, "lladdr", other.hardware, "dev", "net0", "nud", "permanent"]
            ip("-n", host.name, *known)
        yield hosts
    finally:
        for name in (*(host.name for host in hosts), switch):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def ip(*arguments: str) -> None:
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoHosts("the program `ip` is not installed (Debian's package iproute2)") from error
    if done.returncode:
        raise NoHosts(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET):
        raise NoHosts(f"setns: {os.strerror(ctypes.get_errno())}")
