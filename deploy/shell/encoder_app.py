"""`ruiji encoder`: one thin function per command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deploy.shell.entry import call, settings_with

encoder_app = typer.Typer(no_args_is_help=True, help="List, compare and switch the encoders.")

EncoderId = Annotated[str, typer.Argument(metavar="ID", help="The beginning of its id, as `list` shows it.")]
NewEncoder = Annotated[str, typer.Argument(metavar="FOLDER|ID", help="A new one's folder, or the id of a known one.")]
Incomplete = Annotated[bool, typer.Option("--incomplete", help="Do without pictures whose files are gone.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")]


@encoder_app.command(name="list")
def encoder_list() -> None:
    """Print every encoder, which one serves, and how many pictures each can find."""
    from deploy.shell.encoder import show_all

    raise typer.Exit(call(show_all, settings_with()))


@encoder_app.command(name="show")
def encoder_show(encoder: EncoderId, as_json: AsJson = False) -> None:
    """Print how an encoder was trained, what was measured, and how many pictures it can find."""
    from deploy.shell.encoder import show

    raise typer.Exit(call(show, settings_with(), encoder, as_json=as_json))


@encoder_app.command(name="compare")
def encoder_compare(
    first: EncoderId,
    second: EncoderId,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many neighbours.")] = 10,
    queries: Annotated[int, typer.Option(min=1, max=2000, help="Random pictures to ask both about.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Ask two encoders the same: how far their answers agree, and how often each finds the right label."""
    from deploy.shell.encoder import compare

    raise typer.Exit(call(compare, settings_with(), first, second, k=k, queries=queries, as_json=as_json))


@encoder_app.command(name="promote")
def encoder_promote(encoder: NewEncoder, incomplete: Incomplete = False) -> None:
    """Embed every picture with ENCODER, then let it serve; until then the one before answers."""
    from deploy.shell.promote import promote

    raise typer.Exit(call(promote, settings_with(), encoder, incomplete=incomplete))


@encoder_app.command(name="use", hidden=True)
def encoder_use(encoder: NewEncoder, incomplete: Incomplete = False) -> None:
    """The same as promote."""
    encoder_promote(encoder, incomplete)


@encoder_app.command(name="rollback")
def encoder_rollback() -> None:
    """Let the encoder before serve again, at once; what came since is embedded and found a little later."""
    from deploy.shell.promote import rollback

    raise typer.Exit(call(rollback, settings_with()))


@encoder_app.command(name="import")
def encoder_import(path: Annotated[Path, typer.Argument(metavar="FOLDER|ZIP", help="What to take in.")]) -> None:
    """Check an encoder folder, or a zip of one, and make it known; it serves once it is promoted."""
    from deploy.shell.encoder_files import take_in

    raise typer.Exit(call(take_in, settings_with(), path))


@encoder_app.command(name="export")
def encoder_export(
    encoder: EncoderId,
    out: Annotated[Path | None, typer.Argument(help="The zip to write. [default: named after it]")] = None,
) -> None:
    """Write an encoder as a zip: weights, graph, configuration, metrics and card; no code and no pickle."""
    from deploy.shell.encoder_files import give_out

    raise typer.Exit(call(give_out, settings_with(), encoder, out))
