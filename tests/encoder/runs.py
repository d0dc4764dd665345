"""Tiny runs for tests: 8-pixel pictures and a network that a core trains in a few seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encoder.training.config import TrainConfig
from encoder.training.log import read_log
from encoder.training.plan import PLAN, Plan, write_plan
from tests.encoder.shapes import draw_shapes

TINY = TrainConfig(size=16, epochs=3, batch_size=16, projection_dimension=32, bfloat16=False)


def tiny_pictures(count: int = 48) -> NDArray[np.uint8]:
    return draw_shapes(count, seed=21, side=16)[0]


def make_run(folder: Path, *, config: TrainConfig = TINY, count: int = 48, **more: Any) -> Plan:
    """A run's folder with its pictures and its plan."""
    folder.mkdir(parents=True)
    np.save(folder / "pictures.npy", tiny_pictures(count))
    plan = replace(Plan(name=folder.name, pictures="pictures.npy", config=config, device="cpu"), **more)
    write_plan(folder / PLAN, plan)
    return plan


def command(folder: Path) -> list[str]:
    return [sys.executable, "-P", "-m", "encoder.train", "--plan", str(folder / PLAN)]


def start(folder: Path, **environment: str) -> subprocess.Popen[str]:
    """One process that trains the run, on one core, as the process of these tests does."""
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(
        command(folder), env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def curve(folder: Path) -> list[tuple[int, float]]:
    return [(line["epoch"], line["loss"]) for line in read_log(folder)]
