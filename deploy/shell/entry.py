"""What every command begins and ends with: settings read, folders checked, errors told in one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import typer

from catalog.storage.address import is_object


def settings_with(**changes: Any) -> Any:
    from pydantic import ValidationError

    from settings import Settings, SettingsError

    try:
        settings = Settings(**{name: value for name, value in changes.items() if value is not None})
        settings.check()
    except ValidationError as error:
        first = error.errors()[0]
        fail(f"setting RUIJI_{'_'.join(str(part) for part in first['loc']).upper()}: {first['msg']}", 2)
    except SettingsError as error:
        fail(str(error), 2)
    return settings


def fail(message: str, code: int) -> NoReturn:
    typer.secho(f"ruiji: {message}", err=True, fg=typer.colors.RED)
    raise typer.Exit(code)


def existing(folders: list[str]) -> list[str]:
    """Folders as absolute paths, each of them there; addresses of buckets as they are."""
    found = []
    for folder in folders:
        if is_object(os.fsencode(folder)):
            found.append(folder)
            continue
        path = Path(folder).expanduser()
        if not path.is_dir():
            fail(f"{folder}: there is no such folder", 2)
        found.append(str(path.absolute()))
    return found


def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> int:
    """Call a command's body; errors that a user can cause become one line and an exit code."""
    try:
        return int(function(*arguments, **options) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from deploy.shell.failures import explain

        explained = explain(error)
        if explained is None:
            raise
        fail(*explained)
