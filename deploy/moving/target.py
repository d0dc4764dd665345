"""Where an installation moves to: settings of the new engines, from a file or from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from catalog.errors import CatalogError
from settings import Settings


class MoveRefused(CatalogError):
    """The move cannot be made, and nothing was changed; the message says why and what to do."""


class Target(Settings):
    """Settings of the installation that comes; the environment's are the source's, and do not count."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What was given on the command line, then the file."""
        return init_settings, dotenv_settings


def target_of(source: Settings, file: Path | None, given: Mapping[str, Any]) -> Target:
    """The target, complete and another than the source. Raises MoveRefused."""
    if file is not None and not file.is_file():
        raise MoveRefused(f"{file}: there is no such file; it holds lines such as RUIJI_DATABASE_URL=postgresql://…")
    target = Target(_env_file=file, **{**given, "home": source.home})
    for name in ("database_url", "index_url"):
        value = getattr(target, name)
        if not value:
            raise MoveRefused(f"RUIJI_{name.upper()} of the target is not given: put it into the file, or use --help.")
        if value == getattr(source, name):
            raise MoveRefused(f"RUIJI_{name.upper()} of the target is the one that is in use already.")
    if not target.database_url.startswith("postgres"):
        raise MoveRefused("The target's ledger is kept in PostgreSQL: give postgresql://user:password@host/database.")
    return target
