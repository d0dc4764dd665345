"""One process of several in tests: a step on its share of a batch, its loss and gradients written to a file.

WORLD_SIZE=2 RANK=0 … python rank_program.py OUT METHOD...
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import cast

import torch

from encoder.methods.choice import build_model
from encoder.step import Step
from encoder.training.config import MethodName, TrainConfig
from encoder.training.ranks import Ranks, join, leave
from encoder.view_config import ViewConfig
from tests.encoder.shapes import draw_shapes

BATCH = 16
CPU = torch.device("cpu")


def step_on_share(method: MethodName, ranks: Ranks) -> dict[str, object]:
    """Loss, gradients and the norms' statistics of a step, and the loss of the next one.

    Not the gradients of the next: a difference in the seventh digit turns a ReLU or two, and theirs are others then.
    """
    config = TrainConfig(method=method, size=16, batch_size=BATCH, projection_dimension=32, queue_size=64)
    torch.manual_seed(1)
    model = build_model(config).to(memory_format=torch.channels_last)
    step = Step(
        model,
        config,
        views=ViewConfig(),
        statistics=((0.5,) * 3, (0.25,) * 3),
        device=CPU,
        draws=torch.Generator().manual_seed(1),
        ranks=ranks,
    )
    step.network.train()
    pictures = torch.from_numpy(draw_shapes(BATCH, seed=3, side=16)[0])[ranks.part(BATCH)]
    loss, _ = step(pictures, learning_rate=0.05)
    gradients = {name: cast(torch.Tensor, tensor.grad).clone() for name, tensor in model.named_parameters()}
    buffers = {name: tensor.clone() for name, tensor in model.named_buffers()}
    after, _ = step(pictures, learning_rate=0.05)
    return {
        "losses": torch.stack([ranks.mean(loss), ranks.mean(after)]),
        "gradients": gradients,
        "buffers": buffers,
        "weights": dict(model.state_dict()),
        "method": step.method.state_dict(),
    }


def main() -> None:
    """Every method in one process: starting takes longer than all the steps."""
    torch.set_num_threads(1)
    ranks, _ = join(CPU)
    out, *methods = sys.argv[1:]
    found = {method: step_on_share(cast(MethodName, method), ranks) for method in methods}
    torch.save(found, Path(out) / f"rank-{os.environ['RANK']}.pt")
    leave(ranks)


if __name__ == "__main__":
    main()
