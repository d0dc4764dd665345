"""The command `ruiji eval` as typer sees it: its options, and nothing that takes long to import."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from deploy.shell.entry import call, settings_with


class Precision(StrEnum):
    """Which form of the network embeds."""

    AUTO = "auto"
    INT8 = "int8"
    FP32 = "fp32"


def evaluate(
    encoders: Annotated[list[str], typer.Argument(metavar="ENCODER...", help="Folders, or ids of known ones.")],
    train: Annotated[
        Path | None, typer.Option(help="Class folders, or pictures as .npy, to learn from.", exists=True)
    ] = None,
    test: Annotated[Path | None, typer.Option(help="The same, to ask with.", exists=True)] = None,
    train_labels: Annotated[Path | None, typer.Option(help="Labels of --train X.npy. [default: X_y.npy]")] = None,
    test_labels: Annotated[Path | None, typer.Option(help="Labels of --test X.npy. [default: X_y.npy]")] = None,
    classes: Annotated[str, typer.Option(help="Names of the numbers in .npy labels, with commas between.")] = "",
    from_ledger: Annotated[bool, typer.Option("--from-ledger", help="Labels and vectors that are known here.")] = False,
    stl10_labels: Annotated[
        Path | None, typer.Option(help="labels.json for STL-10's unlabelled photos in --test.", exists=True)
    ] = None,
    group: Annotated[list[str], typer.Option(help="Report on NAME=class,class; may be repeated.")] = [],  # noqa: B006
    name: Annotated[str | None, typer.Option(help="What to call these data. [default: after --test]")] = None,
    seeds: Annotated[int, typer.Option(min=2, max=20, help="How often kNN and probe are repeated.")] = 3,
    precision: Annotated[
        Precision, typer.Option(help="Form of the network; auto is the one that serves.")
    ] = Precision.AUTO,
    compare: Annotated[bool, typer.Option("--compare", help="Show figures that are kept already.")] = False,
    chart: Annotated[Path | None, typer.Option(help="Write an SVG of the figures over the epochs.")] = None,
    top6: Annotated[Path | None, typer.Option(help="Write a PNG of queries with their six nearest.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list instead of a table.")] = False,
) -> None:
    """Measure how good encoders are: linear probe, kNN, and what a search finds. The figures are kept with them.

    Without --train, each seed learns from four fifths of the test photos and asks with the rest.
    """
    settings = settings_with()
    from deploy.shell.evaluate import Wanted, run

    wanted = Wanted(
        train=train,
        test=test,
        train_labels=train_labels,
        test_labels=test_labels,
        classes=[one.strip() for one in classes.split(",") if one.strip()],
        from_ledger=from_ledger,
        stl10_labels=stl10_labels,
        groups=group,
        name=name,
        seeds=seeds,
        precision=precision.value,
        compare=compare,
        chart=chart,
        top6=top6,
        as_json=as_json,
    )
    raise typer.Exit(call(run, settings, encoders, wanted))
