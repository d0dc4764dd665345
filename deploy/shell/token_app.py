"""`ruiji token`: one thin function per command."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from deploy.shell.entry import call, settings_with

token_app = typer.Typer(no_args_is_help=True, help="Tokens by which programs use the API in a user's name.")


class ScopeName(StrEnum):
    """What a token may do, of what its owner may."""

    read = "read"
    label = "label"
    admin = "admin"


@token_app.command(name="add")
def token_add(
    user: Annotated[str, typer.Argument(help="In whose name.")],
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[ScopeName, typer.Option("--scope", help="What it may do.")] = ScopeName.read,
    days: Annotated[int | None, typer.Option("--days", min=1, max=3650, help="It ends after so many.")] = None,
) -> None:
    """Make a token and print its secret, once."""
    from deploy.shell.tokens import add

    raise typer.Exit(call(add, settings_with(), user, name, scope=scope.value, days=days))


@token_app.command(name="list")
def token_list() -> None:
    """Print every token, without its secret."""
    from deploy.shell.tokens import show_all

    raise typer.Exit(call(show_all, settings_with()))


@token_app.command(name="revoke")
def token_revoke(token: Annotated[int, typer.Argument(help="Its number, as `list` shows it.")]) -> None:
    """Revoke a token, at once."""
    from deploy.shell.tokens import revoke

    raise typer.Exit(call(revoke, settings_with(), token))
