"""Compares the trainings that were acknowledged with the ledger and the files of their encoders at the end of a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from bench.under_fire.findings import Findings
from bench.under_fire.rows import rows
from bench.under_fire.trainings import NAME, AskedRun
from encoder.graph import openvino

ENDS = ("done", "cancelled")
FILES = ("model.safetensors", "model.onnx", "config.json", "metrics.json")


class Made(NamedTuple):
    """An encoder by the ledger: its folder in the store, the side of its pictures, and the length of its vectors."""

    folder: str
    side: int
    dimension: int


def check_trainings(ledger: Path | str, store: Path, *, asked: Sequence[AskedRun], working: Sequence[int]) -> Findings:
    """Each run is there once, in the end state that was told and asked for; `working`: processes that train yet."""
    runs = rows(ledger, "SELECT id, name, state, encoder_id, error FROM run ORDER BY id")
    epochs: dict[int, list[int]] = {}
    for run, epoch in rows(ledger, "SELECT run_id, epoch FROM run_epoch ORDER BY run_id, epoch"):
        epochs.setdefault(run, []).append(epoch)
    places = rows(ledger, "SELECT worker, run_id, lease_until FROM trainer WHERE run_id IS NOT NULL")
    encoders = {row[0]: Made(*row[1:]) for row in rows(ledger, "SELECT id, folder, input_size, dimension FROM encoder")}
    made = rows(ledger, "SELECT name, count(*) FROM encoder GROUP BY name")
    found = Findings()
    known = {row[0]: row for row in runs}
    named = {name: [row for row in runs if row[1] == name] for name in {row[1] for row in runs}}
    for one in asked:
        if len(named.get(one.name, ())) > 1:
            found.duplicates.append(f"{one.name} was asked for once and is there as {named[one.name]}")
        if one.run is None:
            continue
        found.count("trainings", 1)
        row = known.get(one.run)
        if row is None or row[1] != one.name:
            found.lost.append(f"training {one.run}, {one.name}, was acknowledged and is not there: {row}")
            continue
        _, _, state, encoder, error = row
        if state not in ENDS or state != one.told or (state == "cancelled") > one.cancelled:
            asked_for = "a cancel" if one.cancelled else "its end"
            found.wrong.append(f"{one.name}, of which {asked_for} was asked and {one.told} told, is {state}: {error}")
        if state == "done":
            if epochs.get(one.run) != list(range(1, one.epochs + 1)):
                found.wrong.append(f"{one.name} is done after epochs {epochs.get(one.run)} of {one.epochs}")
            found.lost += _not_loadable(store, one.name, encoders.get(encoder))
            found.count("trained encoders", 1)
        elif encoder is not None:
            found.wrong.append(f"{one.name} is {state} and has the encoder {encoder}")
    asked_names = {one.name for one in asked}
    found.wrong += [f"nobody asked for training {row[:3]}" for row in runs if row[1] not in asked_names]
    found.wrong += [f"training {row[0]}, {row[1]}, is {row[2]} at the end" for row in runs if row[2] not in ENDS]
    found.wrong += [
        f"{worker} still has a place in training {run}" for worker, run, until in places if until >= time.time()
    ]
    found.wrong += [f"process {pid} still trains" for pid in working]
    found.duplicates += [f"{n} encoders are called {name}" for name, n in made if name.startswith(NAME) and n > 1]
    return found


def _not_loadable(store: Path, name: str, made: Made | None) -> list[str]:
    """Why the encoder of a run that is done cannot be loaded, or embeds nothing; nothing where it can."""
    if made is None:
        return [f"{name} is done and has no encoder"]
    folder = store / made.folder
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        return [f"the encoder of {name} lacks {', '.join(missing)}"]
    try:
        weights = load_file(folder / FILES[0])
    except (OSError, SafetensorError) as error:
        return [f"the weights of {name} cannot be loaded: {error}"]
    if not weights or not all(np.isfinite(values).all() for values in weights.values()):
        return [f"the weights of {name} are none, or no finite numbers"]
    return _not_embedding(folder / FILES[1], name, made)


def _not_embedding(graph: Path, name: str, made: Made) -> list[str]:
    """What is wrong with the graph, which is what embeds where an encoder serves: it is given one grey picture."""
    picture = np.full((1, made.side, made.side, 3), 127, np.uint8)
    try:
        vectors = openvino().Core().compile_model(str(graph), "CPU")([picture])[0]
    except RuntimeError as error:
        return [f"the graph of {name} cannot be loaded: {error}"]
    if vectors.shape != (1, made.dimension) or not np.isclose(np.linalg.norm(vectors), 1, atol=1e-3):
        return [f"the graph of {name} makes no vector of {made.dimension} numbers and length 1: {vectors.shape}"]
    return []
