"""`ruiji users`: one thin function per command."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from deploy.shell.entry import call, settings_with

users_app = typer.Typer(no_args_is_help=True, help="Add the people who may sign in; give roles; shut out.")

Name = Annotated[str, typer.Argument(help="The user's name.", show_default=False)]


class RoleName(StrEnum):
    """What a user may do; each what those before it may."""

    viewer = "viewer"
    labeller = "labeller"
    admin = "admin"


@users_app.command(name="add")
def users_add(
    name: Name,
    role: Annotated[RoleName, typer.Option("--role", help="What they may do.")] = RoleName.labeller,
) -> None:
    """Add a user, and print the link by which they choose their password."""
    from deploy.shell.users import add

    raise typer.Exit(call(add, settings_with(), name, role=role.value))


@users_app.command(name="list")
def users_list(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Print every user."""
    from deploy.shell.users import show_all

    raise typer.Exit(call(show_all, settings_with(), as_json=as_json))


@users_app.command(name="disable")
def users_disable(name: Name) -> None:
    """Shut a user out, at once: sessions and tokens count no more. What they decided stays theirs."""
    from deploy.shell.users import disable

    raise typer.Exit(call(disable, settings_with(), name, disabled=True))


@users_app.command(name="enable")
def users_enable(name: Name) -> None:
    """Let a user in again."""
    from deploy.shell.users import disable

    raise typer.Exit(call(disable, settings_with(), name, disabled=False))


@users_app.command(name="role")
def users_role(name: Name, role: Annotated[RoleName, typer.Argument(help="What they may do.")]) -> None:
    """Give a user another role."""
    from deploy.shell.users import give_role

    raise typer.Exit(call(give_role, settings_with(), name, role=role.value))


@users_app.command(name="password")
def users_password(name: Name) -> None:
    """Print a new link by which a user chooses another password."""
    from deploy.shell.users import new_link

    raise typer.Exit(call(new_link, settings_with(), name))
