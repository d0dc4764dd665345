"""`ruiji backup`, `restore`, `migrate` and `plan` as typer sees them, with nothing that takes long to import."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy.shell.entry import call, settings_with


def backup(
    file: Annotated[Path, typer.Argument(help="The .zip to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="In place of an older file of that name.")] = False,
) -> None:
    """Write the whole ledger, with every label, hunt and training run, into one FILE. Others may go on meanwhile."""
    settings = settings_with()
    from deploy.shell.backup import backup as run

    raise typer.Exit(call(run, settings, file, overwrite=overwrite))


def restore(
    file: Annotated[Path, typer.Argument(help="What `ruiji backup` wrote, from SQLite or PostgreSQL.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where there are labels already; they are backed up first.")
    ] = False,
) -> None:
    """Put a backup in the place of the ledger, all of it or nothing. Stop Ruiji first."""
    settings = settings_with()
    from deploy.shell.backup import restore as run

    raise typer.Exit(call(run, settings, file, replace=replace))


def migrate(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="The target's settings, as lines of an .env file.")
    ] = None,
    database_url: Annotated[str, typer.Option(help="The target's PostgreSQL, in place of the file's.")] = "",
    index_url: Annotated[str, typer.Option(help="The target's Milvus, in place of the file's.")] = "",
    index_token: Annotated[str, typer.Option(help="Its user:password; better in the file.")] = "",
    artifacts_url: Annotated[str, typer.Option(help="Where artifacts are copied to. [default: they stay]")] = "",
) -> None:
    """Copy ledger and vectors to PostgreSQL and Milvus, and compare. Stop Ruiji first; killed, it goes on next time.

    What there is stays as it is.
    """
    settings = settings_with()
    from deploy.shell.migrate import run

    given = {
        "database_url": database_url,
        "index_url": index_url,
        "index_token": index_token,
        "artifacts_url": artifacts_url,
    }
    raise typer.Exit(call(run, settings, to, {name: value for name, value in given.items() if value}))


class Size(StrEnum):
    """Files as they were measured."""

    SMALL = "small"
    LARGE = "large"


def plan(
    images: Annotated[list[int], typer.Option(min=1, help="How many; given twice, side by side.")] = [  # noqa: B006
        10**6,
        10**7,
        10**8,
        10**9,
    ],
    dim: Annotated[int, typer.Option(min=1, help="Numbers in a vector; the shipped encoder makes 512.")] = 512,
    photos: Annotated[Size, typer.Option(help="Files of 96×96 or of 1024×768.")] = Size.LARGE,
    days: Annotated[float, typer.Option(min=0.01, help="Time that embedding them may take.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The table of docs/SCALE.md.")] = False,
) -> None:
    """What so many images need, on paper: memory, disk, machines and days."""
    from deploy.shell.plan import run

    raise typer.Exit(
        call(run, images, dimension=dim, photos=photos.value, days=days, as_json=as_json, markdown=markdown)
    )
