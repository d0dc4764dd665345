"""The plan of a run: plan.json in its folder says all that `python -m encoder.train --plan` needs. Loads no torch."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from encoder.training.config import TrainConfig
from encoder.training.errors import TrainingError
from encoder.view_config import ViewConfig

PLAN, LOG, STOPPED, OUTCOME = "plan.json", "log.jsonl", "stopped.json", "outcome.json"
ENCODER = "encoder"  # folder of what came out of it
# Exit codes of a training process; any other is a crash, which the same command goes on from.
FINISHED, PAUSED, STOPPED_CODE = 0, 3, 4


@dataclass(frozen=True)
class Saving:
    """When checkpoints are written, and which are kept besides the newest three."""

    every_epochs: int = 1
    seconds: float = 0.0  # also when this long has passed since the last one; 0: only at the end of an epoch
    keep_epochs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """One run. Paths are taken relative to the folder of the plan."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str  # of the encoder that comes out
    pictures: str  # (n, side, side, 3) uint8, .npy
    config: TrainConfig = field(default_factory=TrainConfig)
    views: ViewConfig = field(default_factory=ViewConfig)
    preset: str = ""  # what config and views were taken from
    data: str = ""  # what the pictures are, in words, for the encoder's card
    start_from: str = ""  # encoder folder, or a file of torchvision weights; empty: random weights
    device: str = ""  # cpu or cuda; empty: cuda where there is one
    checkpoint_every: int = 1  # epochs
    checkpoint_seconds: float = 600.0
    keep_epochs: tuple[int, ...] = ()

    def saving(self) -> Saving:
        """When checkpoints are written."""
        return Saving(self.checkpoint_every, self.checkpoint_seconds, self.keep_epochs)


_PLAN = TypeAdapter(Plan)


def read_plan(path: Path) -> Plan:
    """Raises TrainingError with the file and the field."""
    try:
        return _PLAN.validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise TrainingError(f"{path} is missing", "give the plan.json of a run's folder") from error
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the text"
        raise TrainingError(f"{path}: {where}: {first['msg']}", "mend it or begin a new run") from error


def write_plan(path: Path, plan: Plan) -> None:
    """Write it whole or not at all."""
    write_json(path, dataclasses.asdict(plan))


def stopped_reason(run: Path) -> str:
    """Why a run stopped, and what to do; empty where nobody has written it down."""
    try:
        said = json.loads((run / STOPPED).read_text(encoding="utf-8"))
        return f"{said['reason']}; {said['advice']}" if said["advice"] else str(said["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def write_json(path: Path, content: dict[str, object]) -> None:
    """A small JSON file, synced before it gets its name."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
