"""The command `ruiji train` as typer sees it: its options, and nothing that takes long to import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.shell.entry import call, fail, settings_with
from encoder.presets import DEFAULT, PRESETS


def train(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders of pictures, or STL-10's .bin files.")
    ] = [],  # noqa: B006  typer reads it, nobody changes it
    preset: Annotated[str, typer.Option(help="Network, method and values; --presets tells of each.")] = DEFAULT,
    name: Annotated[str | None, typer.Option(help="Of the encoder. [default: the first folder's]")] = None,
    labels_from_folders: Annotated[
        bool, typer.Option("--labels-from-folders", help="Measure it with pictures whose folder is their label.")
    ] = False,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run that was paused or broke off.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the preset's.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Instead of the preset's.")] = None,
    base_learning_rate: Annotated[float | None, typer.Option(help="Instead of the preset's.")] = None,
    method: Annotated[str | None, typer.Option(help="simclr, dcl, byol or moco, instead of the preset's.")] = None,
    backbone: Annotated[str | None, typer.Option(help="resnet18, resnet34 or resnet50.")] = None,
    size: Annotated[int | None, typer.Option(min=8, help="Side of the pictures, instead of the preset's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is random.")] = None,
    start_from: Annotated[
        str | None,
        typer.Option(help="Encoder folder, file of a torchvision ResNet, or its name (torchvision:resnet18)."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda. [default: cuda where there is one]")] = "",
    keep_epochs: Annotated[str, typer.Option(metavar="N,N", help="Epochs whose checkpoints stay.")] = "",
    checkpoint_seconds: Annotated[float, typer.Option(min=0, help="A checkpoint at least this often.")] = 600.0,
    presets: Annotated[bool, typer.Option("--presets", help="Tell what the presets are, and end.")] = False,
) -> None:
    """Train an encoder on your own pictures, without labels; it is then on the encoders page, with its figures."""
    if presets:
        for one, told in PRESETS.items():
            print(f"{one:<12} {told.summary}")
        return
    if bool(folders) == (resume is not None):
        fail("give folders of pictures, or --resume RUN", 2)
    settings = settings_with()
    from deploy.shell import train as body

    if resume is not None:
        raise typer.Exit(call(body.resume, settings, resume))
    try:
        kept = tuple(int(one) for one in keep_epochs.split(",") if one.strip())
    except ValueError:
        fail(f"--keep-epochs: {keep_epochs!r} is no list of numbers with commas between", 2)
    changes: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "base_learning_rate": base_learning_rate,
        "method": method,
        "backbone": backbone,
        "size": size,
        "seed": seed,
    }
    wanted = body.Wanted(
        folders=folders,
        preset=preset,
        name=name,
        labels_from_folders=labels_from_folders,
        changes={field: value for field, value in changes.items() if value is not None},
        start_from=start_from,
        device=device,
        keep_epochs=kept,
        checkpoint_seconds=checkpoint_seconds,
    )
    raise typer.Exit(call(body.begin, settings, wanted))
