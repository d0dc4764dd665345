"""What a message says of the setting that stands in the way: its name, as people set it, and where."""

from __future__ import annotations


def changed_by(setting: str) -> str:
    """A sentence; `setting` with its prefix, as RUIJI_LOGIN."""
    short = setting.removeprefix("RUIJI_").lower()
    return f"{setting} changes that, in the environment or in .env ({short} in ruiji.toml): set it, then restart Ruiji."
