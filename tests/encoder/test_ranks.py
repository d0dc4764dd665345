"""Several processes train as one: the same loss, the same gradients, the same statistics of batch norm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from encoder.train import main
from encoder.training.errors import TrainingError
from encoder.training.loop import check
from encoder.training.plan import OUTCOME, PLAN
from encoder.training.position import checkpoints
from encoder.training.ranks import Ranks
from tests.encoder.rank_program import step_on_share
from tests.encoder.runs import TINY, command, curve, make_run, tiny_pictures
from tests.servers.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("simclr", "dcl", "byol", "moco")


def run_ranks(words: list[str], *, size: int = 2) -> None:
    """Start them as torchrun does, and wait."""
    port = str(free_port())
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "WORLD_SIZE": str(size)}
    surroundings |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo"}
    processes = [
        subprocess.Popen(
            words, env={**surroundings, "RANK": str(rank), "LOCAL_RANK": str(rank)}, stderr=subprocess.PIPE, text=True
        )
        for rank in range(size)
    ]
    told = [process.communicate(timeout=400)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * size, "\n".join(told)


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes found, with every method."""
    out = tmp_path_factory.mktemp("ranks")
    run_ranks([sys.executable, str(ROOT / "tests/encoder/rank_program.py"), str(out), *METHODS])
    return [torch.load(out / f"rank-{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("method", ["simclr", "dcl", "byol"])
def test_two_processes_learn_what_one_learns_from_the_whole_batch(method: Any, together: list[dict[str, Any]]) -> None:
    alone: dict[str, Any] = step_on_share(method, Ranks())
    for found in (rank[method] for rank in together):
        torch.testing.assert_close(found["losses"], alone["losses"], rtol=1e-4, atol=1e-5)
        for name, gradient in alone["gradients"].items():
            torch.testing.assert_close(found["gradients"][name], gradient, rtol=1e-3, atol=2e-4, msg=name)
        for name, buffer in alone["buffers"].items():
            torch.testing.assert_close(found["buffers"][name], buffer, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("method", METHODS)
def test_both_processes_hold_the_same(method: str, together: list[dict[str, Any]]) -> None:
    one, other = (rank[method] for rank in together)
    for part in ("gradients", "weights", "method"):
        assert one[part].keys() == other[part].keys()
        for name, tensor in one[part].items():
            assert torch.equal(tensor, other[part][name]), f"{part} {name}"


def test_a_run_of_two_processes_writes_one_log_and_goes_on_alone(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    make_run(folder, config=replace(TINY, epochs=2))
    run_ranks(command(folder))
    assert json.loads((folder / OUTCOME).read_text()) == {"outcome": "finished"}
    assert [path.name for _, path in checkpoints(folder)] == ["checkpoint-00001.pt", "checkpoint-00002.pt"]
    together = curve(folder)
    assert [epoch for epoch, _ in together] == [1, 2]
    (folder / "checkpoint-00002.pt").unlink()  # as if all but one machine were lost in the second epoch
    assert main(["--plan", str(folder / PLAN)]) == 0
    alone = curve(folder)
    assert alone[0] == together[0] and alone[1] == pytest.approx(together[1], rel=0.02)


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(TrainingError, match="a batch of 16 cannot be shared by 3 processes"):
        check(tiny_pictures(), TINY, device=torch.device("cpu"), ranks=Ranks(0, 3))


def test_a_share_is_the_same_on_every_rank_and_all_of_them_are_the_whole() -> None:
    shares = [Ranks(rank, 4).part(16) for rank in range(4)]
    assert [place for share in shares for place in range(16)[share]] == list(range(16))
