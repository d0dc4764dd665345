"""At which address the machines of a gang reach this one, through which interface, and at which port they meet."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
from urllib.parse import urlsplit

LOCAL = "127.0.0.1"
_SIOCGIFADDR = 0x8915


def own_address(broker_url: str) -> str:
    """The address that this machine speaks to the broker from; the loopback one where the broker is local."""
    host = urlsplit(broker_url).hostname
    if host is None or urlsplit(broker_url).scheme in ("redis+socket", "unix"):
        return LOCAL
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))  # nothing is sent: the kernel only chooses the way
        return str(probe.getsockname()[0])
    return LOCAL


def interface_of(address: str) -> str | None:
    """The network interface with this IPv4 address; None when none has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                answer = fcntl.ioctl(asking.fileno(), _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                if socket.inet_ntoa(answer[20:24]) == address:
                    return name
    return None


def free_port(address: str) -> int:
    """A port of this address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
