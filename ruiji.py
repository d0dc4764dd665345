"""The command line: one thin function per command."""

from __future__ import annotations

import importlib.metadata
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from curate.exports.formats import Format, Photos
from deploy.shell.audit_command import audit
from deploy.shell.encoder_app import encoder_app
from deploy.shell.entry import call as _run
from deploy.shell.entry import existing as _existing
from deploy.shell.entry import settings_with as _settings
from deploy.shell.eval_command import evaluate
from deploy.shell.ledger_commands import backup, migrate, plan, restore
from deploy.shell.map_command import draw_map
from deploy.shell.token_app import token_app
from deploy.shell.train_command import train
from deploy.shell.training_app import training_app
from deploy.shell.users_app import users_app

EXIT_CODES = """
[bold]Exit codes[/bold]: 0 all went well; 1 something went wrong or `doctor` found something; 2 the command was not
understood; 3 Ruiji, or the part that is needed, is not running or not there; 130 interrupted with Ctrl-C.
"""

app = typer.Typer(
    name="ruiji",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=True,
    help="Find every image of a kind among 100,000, and label it.\n\n"
    "Start with [bold]ruiji up ~/Pictures[/bold] and open the address that it prints.",
    epilog=EXIT_CODES,
)

app.add_typer(encoder_app, name="encoder")
app.add_typer(training_app, name="training")
app.add_typer(users_app, name="users")
app.add_typer(token_app, name="token")
app.command(name="eval")(evaluate)
app.command(name="map")(draw_map)
app.command()(train)
app.command()(backup)
app.command()(restore)
app.command()(migrate)
app.command()(plan)
app.command()(audit)


class Queue(StrEnum):
    """What a worker can serve."""

    QUERY = "query"
    EMBED = "embed"
    INDEX = "index"
    TRAIN = "train"


class Collection(StrEnum):
    """Public collections that `ruiji data` can fetch."""

    demo = "demo"
    CIFAR10 = "cifar10"
    IMAGENETTE = "imagenette"
    STL10 = "stl10"


Folders = Annotated[
    list[str], typer.Argument(help="Folders with pictures, at any depth, or s3://bucket/folder.", show_default=False)
]
Labels = Annotated[
    bool, typer.Option("--labels-from-folders", help="A picture's folder is its label: cats/1.jpg is 'cats'.")
]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        print(f"ruiji {installed_version()}")
        raise typer.Exit


def installed_version() -> str:
    """The version that is installed, or the tree's own when nothing is."""
    try:
        return importlib.metadata.version("ruiji")
    except importlib.metadata.PackageNotFoundError:
        return "0+unknown"


@app.command()
def up(
    folders: Folders = [],  # noqa: B006  typer reads it, nobody changes it
    labels_from_folders: Labels = False,
    labelled: Annotated[
        list[str], typer.Option("--labelled", help="One more folder, this one with labels from its folders.")
    ] = [],  # noqa: B006
    port: Annotated[int | None, typer.Option(help="Port of the page. [default: 8765, or the next free one]")] = None,
) -> None:
    """Start everything on this machine, and ingest FOLDERS. Ctrl-C stops it all; nothing is lost."""
    settings = _settings(port=port)
    from deploy import local

    # The labelled ones first: from then on every other result can carry a suggestion.
    sources = [(folder, True) for folder in _existing(labelled)]
    sources += [(folder, labels_from_folders) for folder in _existing(folders)]
    port_given = "port" in settings.model_fields_set
    raise typer.Exit(_run(local.run, settings, sources=sources, port_given=port_given))


@app.command()
def ingest(
    folders: Folders,
    labels_from_folders: Labels = False,
    wait: Annotated[bool, typer.Option(help="Show the progress until all can be searched.")] = True,
) -> None:
    """Make the pictures of FOLDERS searchable. Again does only what is new, moved, changed or gone."""
    from deploy.shell.ingest import run

    raise typer.Exit(_run(run, _settings(), _existing(folders), labels_from_folders=labels_from_folders, wait=wait))


@app.command()
def search(
    picture: Annotated[Path, typer.Argument(help="A picture file.")],
    k: Annotated[int, typer.Option("-k", min=1, max=5000, help="How many neighbours.")] = 10,
    any_way_up: Annotated[
        bool, typer.Option("--any-way-up", help="PICTURE may lie on its side or be mirrored.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Print the nearest pictures to PICTURE: score, path and labels."""
    from deploy.shell.search import run

    raise typer.Exit(_run(run, _settings(), picture, k=k, any_way_up=any_way_up, as_json=as_json))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Show pictures, jobs, queues, and the machines with their workers."""
    from deploy.shell.status import run

    raise typer.Exit(_run(run, _settings(), as_json=as_json))


@app.command()
def export(
    labels: Annotated[
        list[str], typer.Argument(help="Labels; all if none is named.", default_factory=list, show_default=False)
    ],
    out: Annotated[Path, typer.Argument(help="The file or folder to write.")],
    format: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.CSV,
    photos: Annotated[Photos, typer.Option("--files", help="Photos in a folder are copies or links.")] = Photos.COPY,
    rejected: Annotated[bool, typer.Option("--rejected", help="Also what photos were said not to be.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="In place of an older export.")] = False,
) -> None:
    """Write labels, with their photos or vectors, for other programs."""
    from deploy.shell.export import run

    options = {"format": format, "photos": photos, "rejected": rejected, "overwrite": overwrite}
    raise typer.Exit(_run(run, _settings(), labels, out, **options))


@app.command(name="import")
def import_labels(
    path: Annotated[Path, typer.Argument(help="A CSV file, or a folder with one folder for each label.")],
) -> None:
    """Take labels over from another program. What a person has decided here stays."""
    from deploy.shell.import_labels import run

    raise typer.Exit(_run(run, _settings(), path))


@app.command()
def data(
    name: Annotated[Collection, typer.Argument(help="The collection.")],
    folder: Annotated[Path, typer.Argument(help="Where to write it, as folders of pictures.")],
    local: Annotated[Path | None, typer.Option("--from", help="A copy of its archive that you have already.")] = None,
) -> None:
    """Fetch a public collection of labelled pictures to try Ruiji with."""
    from deploy.shell.data import run

    raise typer.Exit(run(name.value, folder, local=local))


@app.command()
def worker(
    queues: Annotated[Queue, typer.Option("--queues", help="Which work to do.")],
    device: Annotated[str | None, typer.Option(help="Embed on cpu or cuda:N. [default: setting RUIJI_DEVICE]")] = None,
) -> None:
    """Run one worker; `ruiji up` starts one of each by itself, and one that trains where torch is installed."""
    from worker.service import run_worker

    raise typer.Exit(_run(run_worker, _settings(device=device), queue=queues.value))


@app.command()
def node(
    queues: Annotated[Queue, typer.Option("--queues", help="Which work to do.")] = Queue.EMBED,
    devices: Annotated[
        str, typer.Option(help="One worker for each: auto (GPUs, or the CPU), gpus, or a list: cuda:0,cuda:1.")
    ] = "auto",
) -> None:
    """Run one worker for each GPU of this machine, and start again what ends; for machines beside the first."""
    from deploy.node import run

    raise typer.Exit(_run(run, _settings(), queue=queues.value, devices=devices))


@app.command()
def beat() -> None:
    """Run the clock that sends the sweep; one per installation, and `ruiji up` has it."""
    from worker.beat import run_beat

    raise typer.Exit(_run(run_beat, _settings()))


@app.command()
def web(port: Annotated[int | None, typer.Option(help="Port of the page.")] = None) -> None:
    """Run the web server alone; `ruiji up` has it."""
    settings = _settings(port=port)
    from deploy.gunicorn_server import serve

    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    _run(serve, settings, bind=f"{host}:{settings.port}")


@app.command()
def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what differs; no picture is embedded anew for it.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Count the rows of the index instead of comparing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Check services, versions, clocks, disk, GPU, workers, and the ledger against shards and index."""
    from deploy.shell.doctor import run

    raise typer.Exit(_run(run, _settings(), repair=repair, quick=quick and not repair, as_json=as_json))


# What follows NAME is not looked at, `--help` neither.
@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
)
def bench(context: typer.Context, name: Annotated[str, typer.Argument(help="Which one; `list` names them.")]) -> None:
    """Run a benchmark; its last line is one JSON object. What follows NAME goes to the benchmark."""
    from deploy.shell.bench import run

    raise typer.Exit(run(name, context.args))


@app.command(name="settings")
def show_settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="The table of the README.")] = False,
) -> None:
    """Print every setting with its value now."""
    from settings import as_markdown, without_password

    if markdown:
        print(as_markdown(), end="")
        return
    values = _settings()
    for name, field in type(values).model_fields.items():
        value = "(hidden)" if field.repr is False and getattr(values, name) else getattr(values, name)
        value = without_password(value) if isinstance(value, str) else value
        print(f"RUIJI_{name.upper():<20} {json.dumps(value, default=str):<32} {field.description}")


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
