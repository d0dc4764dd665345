"""What a measured or tested Ruiji takes over from who starts it: the machine's variables, none of their settings."""

from __future__ import annotations

import os

from bench.record import ROOT

# pydantic compares without regard to case, so `ruiji_database_url` is a setting too.
PREFIX = "RUIJI_"


def is_setting(name: str) -> bool:
    """Whether a variable would be read as a setting."""
    return name.upper().startswith(PREFIX)


def surroundings(**settings: str) -> dict[str, str]:
    """The environment of a process whose only settings are these.

    A person's own ledger and Milvus must not get the pictures of a test, nor its kills. `.env` is read where a process
    starts, and cannot be named away: start it in a folder that has none, which the search path makes possible.
    """
    kept = {name: value for name, value in os.environ.items() if not is_setting(name)}
    path = os.pathsep.join(entry for entry in (str(ROOT), os.environ.get("PYTHONPATH", "")) if entry)
    return {**kept, "PYTHONPATH": path, "RUIJI_CONFIG": os.devnull, **settings}
