"""`ruiji training`: the runs, and pause, resume and cancel, through the ledger."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.ledger import Ledger
from catalog.runs import Run, cancel_run, get_run, list_runs, pause_run, resume_run
from deploy.shell.failures import FAILED
from deploy.shell.installed import known_ledger
from settings import Settings
from worker.client import Client, WorkerUnavailable

Action = Literal["pause", "resume", "cancel"]
ACTIONS: dict[Action, Callable[[Ledger, int], bool]] = {
    "pause": pause_run,
    "resume": resume_run,
    "cancel": cancel_run,
}


def show_all(settings: Settings) -> int:
    """Print the newest runs."""
    runs = list_runs(known_ledger(settings), limit=20)
    if not runs:
        print("no training yet: start one on the encoders page")
        return 0
    table = Table("run", "name", "preset", "state", "epochs", "loss", "images/s", "left", "encoder", box=None)
    for run in runs:
        last = run.last
        table.add_row(
            str(run.id),
            Text(run.name),
            run.preset,
            state_of(run),
            f"{run.done} of {run.epochs}" if run.epochs else "",
            f"{last.loss:.3f}" if last and last.loss is not None else "",
            f"{last.images_per_s:.0f}" if last and last.images_per_s is not None and run.members else "",
            f"{run.seconds_left:.0f} s" if run.seconds_left else "",
            (run.encoder_id or "")[:12],
        )
    Console().print(table)
    for run in runs:
        if run.error:
            print(f"run {run.id}: {run.error}")
    return 0


def state_of(run: Run) -> str:
    """In one or two words."""
    if run.state != "running":
        return run.state
    return run.stage if run.members else "waiting"


def change(settings: Settings, run_id: int, *, action: Action) -> int:
    """Pause, resume or cancel a run. Raises UnknownRun."""
    ledger = known_ledger(settings)
    if not ACTIONS[action](ledger, run_id):
        print(f"ruiji: run {run_id} is {get_run(ledger, run_id).state}: {action} does nothing to it", file=sys.stderr)
        return FAILED
    if action != "pause":
        try:
            Client(settings.resolved_broker_url()).wake_train()
        except WorkerUnavailable as error:
            if action == "resume":
                print(f"ruiji: {error}; the run goes on once a worker that trains is there", file=sys.stderr)
    print(f"run {run_id}, {get_run(ledger, run_id).name}: {state_of(get_run(ledger, run_id))}")
    return 0
