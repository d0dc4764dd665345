"""Where the pictures of a run lie makes no difference to what is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from encoder.train import main
from encoder.training.plan import PLAN
from encoder.training.store import Store, free_in_memory
from tests.encoder.runs import TINY, curve, make_run, tiny_pictures

CPU = torch.device("cpu")


def test_batches_from_the_disk_are_those_from_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "pictures.npy", tiny_pictures())
    mapped = np.load(tmp_path / "pictures.npy", mmap_mode="r")
    chosen = list(torch.randperm(48, generator=torch.Generator().manual_seed(1)).view(3, 16))
    stores = [Store(mapped, CPU), Store(mapped, CPU, free=1000)]
    assert [store.place for store in stores] == ["memory", "disk"]
    memory, disk = (list(store.batches(chosen)) for store in stores)
    assert len(memory) == 3
    for one, other, rows in zip(memory, disk, chosen, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(one, torch.from_numpy(tiny_pictures())[rows])
    assert list(stores[1].batches([])) == []


def test_a_run_from_the_disk_draws_the_same_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("memory", "disk"):
        make_run(tmp_path / name, config=replace(TINY, epochs=2))
        if name == "disk":
            monkeypatch.setattr("encoder.training.store.free_in_memory", lambda: 1000)
        assert main(["--plan", str(tmp_path / name / PLAN)]) == 0
    assert curve(tmp_path / "memory") == curve(tmp_path / "disk")


def test_free_memory_is_a_number_of_bytes() -> None:
    assert 1 << 20 < free_in_memory() < 1 << 50
