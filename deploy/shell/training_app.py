"""`ruiji training`: one thin function per command."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.shell.entry import call, settings_with

training_app = typer.Typer(no_args_is_help=True, help="List the training runs; pause, resume and cancel them.")

RunId = Annotated[int, typer.Argument(metavar="RUN", min=1, help="Its number, as `list` shows it.")]


@training_app.command(name="list")
def training_list() -> None:
    """Print the training runs, the newest first."""
    from deploy.shell.training import show_all

    raise typer.Exit(call(show_all, settings_with()))


@training_app.command(name="pause")
def training_pause(run: RunId) -> None:
    """Finish the step under way, keep it, and stop until the run is resumed."""
    from deploy.shell.training import change

    raise typer.Exit(call(change, settings_with(), run, action="pause"))


@training_app.command(name="resume")
def training_resume(run: RunId) -> None:
    """Go on with a paused run where it was, or try again with one that has failed."""
    from deploy.shell.training import change

    raise typer.Exit(call(change, settings_with(), run, action="resume"))


@training_app.command(name="cancel")
def training_cancel(run: RunId) -> None:
    """End a run for good; its checkpoints stay in its folder."""
    from deploy.shell.training import change

    raise typer.Exit(call(change, settings_with(), run, action="cancel"))
