"""Where the page may listen while it has no login: loopback, a handed-over socket, or a container's name."""

from __future__ import annotations

import ipaddress
import re

HOST_AND_PORT = re.compile(r"(tcp://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")


class OpenToOthers(Exception):
    """The address would open the page to a whole network; the message names it and the remedy."""


def check_bind(bind: str) -> str:
    """`bind` as given (host:port, fd://number or unix:path); OpenToOthers for an address that is not loopback.

    A name, as that of a container in a Compose network, is one address that somebody chose; no name, or a number
    such as 0.0.0.0, is how a page gets onto a network by mistake.
    """
    if bind.startswith(("fd://", "unix:")):
        return bind
    # gunicorn reads whatever it can of an address that is oddly written: 0.0.0.0:80:x is 0.0.0.0 to it.
    found = HOST_AND_PORT.fullmatch(bind)
    host = found["host"].strip("[]") if found else ""
    if host and (not is_number(host) or ipaddress.ip_address(host).is_loopback):
        return bind
    raise OpenToOthers(
        f"--bind {bind}: the page has no login, and there others could change everything on it; use 127.0.0.1:PORT"
        " and reach it through SSH, or the container's own name (docs/SECURITY.md)"
    )


def is_number(host: str) -> bool:
    """Whether it is an IP address, in any form that the system's resolver takes for one (0, 0x0, 127.1)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if all(part.isdigit() or part.lower().startswith("0x") for part in host.split(".")):
            raise OpenToOthers(f"--bind: {host} is no address as it is usually written; use 127.0.0.1:PORT") from None
        return False
    return True
