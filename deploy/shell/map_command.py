"""The command `ruiji map` as typer sees it: its options, and nothing that takes long to import."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy.shell.entry import call, settings_with


class By(StrEnum):
    """What the points are coloured by."""

    LABEL = "label"
    GROUP = "group"


def draw_map(
    out: Annotated[Path, typer.Argument(help="The .png or .html to write.")],
    encoder: Annotated[
        list[str], typer.Option(help="Folder, or the beginning of an id; given twice, side by side. [default: serving]")
    ] = [],  # noqa: B006  typer reads it, nobody changes it
    three: Annotated[bool, typer.Option("--3d", help="Three dimensions instead of two.")] = False,
    by: Annotated[By, typer.Option(help="What the colours mean.")] = By.LABEL,
    label: Annotated[list[str], typer.Option(help="Only photos of this label; may be repeated.")] = [],  # noqa: B006
    photos: Annotated[
        Path | None, typer.Option(help="Class folders, or pictures as .npy, instead of the known photos.", exists=True)
    ] = None,
    classes: Annotated[str, typer.Option(help="Names of the numbers in .npy labels, with commas between.")] = "",
    group: Annotated[list[str], typer.Option(help="With --photos: NAME=class,class; may be repeated.")] = [],  # noqa: B006
    most: Annotated[int, typer.Option(min=10, max=50_000, help="Photos at the most, drawn by chance.")] = 10_000,
    anew: Annotated[bool, typer.Option("--anew", help="Do not place new photos on the map that there is.")] = False,
) -> None:
    """Draw photos by what they look like: what the encoder finds alike lies together.

    A map of the known photos is the one that the page shows, and stays there.
    """
    settings = settings_with()
    from deploy.shell.mapping import Wanted, run

    wanted = Wanted(
        out=out,
        encoders=encoder,
        dimensions=3 if three else 2,
        by=by.value,
        labels=label,
        photos=photos,
        classes=[one.strip() for one in classes.split(",") if one.strip()],
        groups=group,
        most=most,
        anew=anew,
    )
    raise typer.Exit(call(run, settings, wanted))
