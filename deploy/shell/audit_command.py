"""`ruiji audit`: what was done that others have to know, as a table or as lines of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from deploy.shell.entry import call, settings_with


def audit(
    as_json: Annotated[
        bool, typer.Option("--json", help="All of it, the oldest first, one JSON object a line.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many lines of the table.")] = 50,
) -> None:
    """Show who signed in, changed users or tokens, exported, trained, promoted, added, removed, cancelled, restored."""
    raise typer.Exit(call(show, settings_with(), as_json=as_json, limit=limit))


def show(settings: Any, *, as_json: bool, limit: int) -> int:
    """Print it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from catalog.audit import everything, recent
    from deploy.shell.installed import known_ledger
    from deploy.shell.users import at

    ledger = known_ledger(settings)
    if as_json:
        for line in everything(ledger):
            print(json.dumps(asdict(line), ensure_ascii=True))
        return 0
    table = Table("when", "who", "what", "to what", "from", "", box=None)
    for line in recent(ledger, limit=limit):
        refused = "refused" if line.outcome == "refused" else ""
        table.add_row(at(line.at), Text(line.actor), line.action, Text(line.target), line.address, refused)
    Console().print(table)
    return 0
