"""Where the page may listen while it has no login: loopback, a handed-over socket, or a container's name."""

from __future__ import annotations

import ipaddress


class OpenToOthers(Exception):
    """The address would open the page to a whole network; the message names it and the remedy."""


def check_bind(bind: str) -> str:
    """`bind` as given (host:port, fd://number or unix:path); OpenToOthers for an address that is not loopback.

    A name, as that of a container in a Compose network, is one address that somebody chose; no name, or a number
    such as 0.0.0.0, is how a page gets onto a network by mistake.
    """
    if bind.startswith(("fd://", "unix:")):
        return bind
    host = bind.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    if host and not is_number(host):
        return bind
    if host and ipaddress.ip_address(host).is_loopback:
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
