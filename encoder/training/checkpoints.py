"""Checkpoints of a run: written whole, the newest kept, found again whatever a crash has left."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

import torch

from encoder.training.errors import TrainingError
from encoder.training.position import Position, checkpoints

KEEP = 3
_MAY_DIFFER = ("bfloat16",)  # fields of the configuration that are the machine's matter


def save_checkpoint(
    folder: Path, state: dict[str, Any], *, position: Position, keep_epochs: Collection[int] = ()
) -> Path:
    """Write a checkpoint so that a crash leaves either the whole new file or none, then drop the oldest.

    The newest three and the ends of `keep_epochs` stay. Raises TrainingError when the disk does not take it; those
    that were there are untouched then.
    """
    target = folder / position.name()
    partial = target.with_suffix(".partial")
    try:
        with partial.open("wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
        _sync_folder(folder)
    except (OSError, RuntimeError) as error:  # torch's writer turns some of the disk's errors into its own
        partial.unlink(missing_ok=True)
        last = checkpoints(folder)
        kept = f"the run goes on after {last[-1][1].name}" if last else "there is none before it"
        words = " ".join(str(error).split())[:200]
        raise TrainingError(
            f"{target} could not be written ({words}); {kept}", "make room on the disk and start the run again"
        ) from error
    for at, old in checkpoints(folder)[:-KEEP]:
        if at.step or at.epoch not in keep_epochs:
            old.unlink()
    return target


def load_checkpoint(folder: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """The newest readable checkpoint in the folder, or None where there is none.

    Raises TrainingError when it belongs to a run with another `identity`, or when none of them can be read.
    Tensors and plain values only: no code is unpickled.
    """
    found = checkpoints(folder)
    for _, path in reversed(found):
        try:
            state = cast(dict[str, Any], torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:  # any damage means the one before it is used
            print(f"{path}: not readable ({_first_line(error)}); trying the one before it", flush=True)
            continue
        if different := [name for name, value in identity.items() if _plain(state.get(name)) != _plain(value)]:
            raise TrainingError(f"{path} belongs to a run with other {' and '.join(different)}", "choose another --out")
        return state
    if found:
        raise TrainingError(
            f"none of the {len(found)} checkpoints in {folder} can be read", "move them away to begin anew"
        )
    return None


def remove_partial(folder: Path) -> None:
    """Remove what a killed process was writing."""
    for path in folder.glob("checkpoint-*.partial"):
        path.unlink()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if key not in _MAY_DIFFER}
    return value


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
