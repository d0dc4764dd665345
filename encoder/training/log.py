"""The log of a run: log.jsonl, a line an epoch, told again from where a run goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from encoder.training.plan import LOG


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines that are whole; a process killed while it wrote leaves half of one."""
    lines = []
    try:
        text = (folder / LOG).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    for line in text.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in lines if isinstance(line, dict) and isinstance(line.get("epoch"), int)]


def cut_log(folder: Path, *, epoch: int) -> None:
    """Keep the lines up to an epoch: those after it will be written once more."""
    lines = [line for line in read_log(folder) if line["epoch"] <= epoch]
    if not (folder / LOG).exists():
        return
    partial = folder / f"{LOG}.partial"
    partial.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    partial.replace(folder / LOG)


def append_log(folder: Path, line: dict[str, Any]) -> None:
    """One line more."""
    with (folder / LOG).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
