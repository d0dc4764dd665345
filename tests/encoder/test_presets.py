"""Presets: each is a plan that a process can read back and a network that can be built."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from encoder.methods.choice import build_model
from encoder.presets import DEFAULT, PRESETS, plan_of
from encoder.training.errors import TrainingError
from encoder.training.plan import PLAN, read_plan, write_plan


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_a_plan_and_a_network(preset: str, tmp_path: Path) -> None:
    plan = plan_of(preset, name="mine", pictures="pictures.npy", data="photos")
    write_plan(tmp_path / PLAN, plan)
    assert read_plan(tmp_path / PLAN) == plan
    assert build_model(plan.config).architecture == plan.config.architecture()
    assert PRESETS[preset].summary.endswith(".")


def test_values_are_changed_by_name() -> None:
    plan = plan_of(DEFAULT, name="mine", pictures="p.npy", changes={"epochs": 2, "method": "byol"})
    assert (plan.config.epochs, plan.config.method, plan.config.stem) == (2, "byol", PRESETS[DEFAULT].config.stem)


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"epochs": 0}, "epochs is 0"), ({"speed": 1}, "speed"), ({"method": "magic"}, "method"), ({"size": "x"}, "size")],
)
def test_values_that_do_not_fit_are_named(changes: dict[str, object], told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        plan_of(DEFAULT, name="mine", pictures="p.npy", changes=changes)


def test_an_unknown_preset_is_told_with_those_that_are_there() -> None:
    with pytest.raises(TrainingError, match="choose one of quick-cpu, "):
        plan_of("best", name="mine", pictures="p.npy")


def test_presets_and_plans_load_no_torch() -> None:
    code = "import sys, encoder.presets, encoder.training.plan; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
