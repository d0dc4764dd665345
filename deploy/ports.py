"""The web server's listening socket, bound here and handed over, so that between check and use nobody can take it."""

from __future__ import annotations

import errno
import socket

TRIES = 50


class PortTaken(Exception):
    """The port that was asked for is in use; the message says so and what to do."""


def listen(host: str, port: int, *, exactly: bool) -> socket.socket:
    """A listening socket on `port`, or unless `exactly` on the next free one above it. Raises PortTaken."""
    for candidate in [port] if exactly else range(port, min(port + TRIES, 65536)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        # A port whose last connections are still in TIME_WAIT is free; one with a listener is not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(512)
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            continue
        return listener
    if exactly:
        raise PortTaken(f"port {port} on {host} is taken; choose another with --port or RUIJI_PORT")
    raise PortTaken(f"the ports {port} to {port + TRIES - 1} on {host} are all taken; choose one with --port")
