"""Where the page may listen, and whether people have to sign in there."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Collection

HOST_AND_PORT = re.compile(r"(tcp://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>[0-9]{1,5})")


class OpenToOthers(Exception):
    """The address would open the page to a whole network; the message names it and the remedy."""


def check_bind(bind: str, *, hosts: Collection[str] = ()) -> str:
    """`bind` as given (host:port, fd://number or unix:path); OpenToOthers for one that others reach by no name.

    `hosts` are the names that requests may be addressed to. A name, as that of a container in a Compose network, is one
    address that somebody chose; no name, or a number such as 0.0.0.0, is how a page gets onto a network by mistake.
    """
    host, _ = parsed(bind)
    if not host or not is_number(host) or ipaddress.ip_address(host).is_loopback:
        return bind
    if named_to_others(hosts):
        return bind
    raise OpenToOthers(
        f"--bind {bind}: others reach this address, and RUIJI_ALLOWED_HOSTS has no name that they may call it by; give"
        ' one (["photos.example.org"]), or use 127.0.0.1:PORT and reach it through SSH (docs/SECURITY.md)'
    )


def people_sign_in(bind: str, *, hosts: Collection[str], https: bool, proxies: int) -> bool:
    """Whether they have to, whatever the setting login says: others reach the address, or something speaks for others.

    A page behind a proxy listens on loopback too, so each setting that only makes sense with one counts as its word.
    """
    return https or proxies > 0 or named_to_others(hosts) or reached_by_others(bind)


def named_to_others(hosts: Collection[str]) -> bool:
    """Whether one of the names that requests may be addressed to is more than this machine's for itself."""
    return not all(map(of_this_machine, hosts))


def of_this_machine(host: str) -> bool:
    """Whether a name is one that only this machine calls itself by."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def reached_by_others(bind: str) -> bool:
    """Whether anything but this machine may reach it. A Unix socket counts: it is made for a proxy to speak to."""
    host, _ = parsed(bind)
    if host == "localhost":
        return False
    return not host or not is_number(host) or not ipaddress.ip_address(host).is_loopback


def parsed(bind: str) -> tuple[str, int]:
    """The host that is listened on, empty for a Unix socket, and the port; OpenToOthers where that is not certain."""
    if bind.startswith("unix:"):
        return "", 0
    if bind.startswith("fd://"):
        return of_socket(bind)
    # gunicorn reads whatever it can of an address that is oddly written: 0.0.0.0:80:x is 0.0.0.0 to it.
    found = HOST_AND_PORT.fullmatch(bind)
    if found is None:
        raise OpenToOthers(f"--bind {bind}: this is no address as it is usually written; use 127.0.0.1:PORT")
    return found["host"].strip("[]"), int(found["port"])


def of_socket(bind: str) -> tuple[str, int]:
    """Where a socket that was handed over listens; one that cannot be asked counts as one that others reach."""
    try:
        with socket.socket(fileno=os.dup(int(bind.removeprefix("fd://")))) as handed:
            name = handed.getsockname() if handed.family in (socket.AF_INET, socket.AF_INET6) else ("", 0)
    except (ValueError, OSError):
        return "handed-over", 0
    return str(name[0]), int(name[1])


def is_number(host: str) -> bool:
    """Whether it is an IP address, in any form that the system's resolver takes for one (0, 0x0, 127.1)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if all(part.isdigit() or part.lower().startswith("0x") for part in host.split(".")):
            raise OpenToOthers(f"--bind: {host} is no address as it is usually written; use 127.0.0.1:PORT") from None
        return False
    return True


def shown(bind: str, *, hosts: Collection[str], https: bool) -> str:
    """The page's address as people open it: by the first name that others call it by, if it has one."""
    _, port = parsed(bind)
    name = next((host for host in hosts if not of_this_machine(host)), "127.0.0.1")
    if https:
        return f"https://{name}"
    return f"http://{name}:{port}" if port else f"http://{name}"  # of a Unix socket, only its proxy knows
