"""How far a run is, and the checkpoints that say so by their names. Loads no torch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"checkpoint-(\d+)(?:_(\d+))?\.pt")


class Position(NamedTuple):
    """How far a run is: whole epochs, and steps of the next one."""

    epoch: int
    step: int = 0

    def name(self) -> str:
        """Of the checkpoint that is written here."""
        return f"checkpoint-{self.epoch:05d}{f'_{self.step:06d}' if self.step else ''}.pt"  # sorts as it should


def checkpoints(folder: Path) -> list[tuple[Position, Path]]:
    """Those of a run's folder, oldest first."""
    found = [(match, path) for path in folder.glob("checkpoint-*.pt") if (match := _NAME.fullmatch(path.name))]
    return sorted((Position(int(match[1]), int(match[2] or 0)), path) for match, path in found)
