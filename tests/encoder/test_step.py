"""One step of training: two views of every picture, and a loss that gradient steps bring down."""

from __future__ import annotations

import pytest
import torch

from encoder.methods.choice import METHODS, build_model
from encoder.step import Step
from encoder.training.config import MethodName, TrainConfig
from encoder.training.optimisers import parameter_groups
from encoder.view_config import ViewConfig
from tests.encoder.shapes import draw_shapes

CPU = torch.device("cpu")


def fresh_step(method: MethodName = "simclr", *, seed: int = 1) -> Step:
    torch.manual_seed(seed)
    config = TrainConfig(method=method, batch_size=16, bfloat16=False)
    step = Step(
        build_model(config).to(memory_format=torch.channels_last),
        config,
        views=ViewConfig(),
        statistics=((0.5,) * 3, (0.25,) * 3),
        device=CPU,
        draws=torch.Generator().manual_seed(seed),
    )
    step.network.train()
    return step


def pictures() -> torch.Tensor:
    return torch.from_numpy(draw_shapes(16, seed=3)[0])


@pytest.mark.parametrize("method", METHODS)
def test_steps_bring_the_loss_of_the_same_views_down(method: MethodName) -> None:
    step = fresh_step(method)
    both = step.make_both_views(pictures())
    queue = dict(step.method.named_buffers()).get("queue", torch.empty(0))
    negatives = queue.clone()
    losses = []
    for _ in range(8):
        queue.copy_(negatives)  # keys of these very pictures in it would make every step harder than the one before
        losses.append(float(step.update(both, learning_rate=0.05)[0]))
    assert losses[-1] < losses[0] - 0.3


def test_the_two_views_of_a_picture_differ_and_stand_apart() -> None:
    step = fresh_step()
    both = step.make_both_views(pictures())
    assert both.shape == (32, 3, 32, 32)
    one, two = both.chunk(2)
    assert not torch.allclose(one, two)
    again = fresh_step().make_both_views(pictures())
    assert torch.equal(both, again)


def test_a_step_changes_weights_and_tells_loss_and_projections() -> None:
    step = fresh_step()
    before = next(step.network.parameters()).detach().clone()
    loss, projected = step(pictures(), learning_rate=0.1)
    assert loss.shape == () and not loss.requires_grad
    assert projected.shape == (16, 128) and not projected.requires_grad
    assert not torch.equal(before, next(step.network.parameters()))


def test_only_matrices_decay() -> None:
    model = build_model(TrainConfig())
    matrices, vectors = parameter_groups(model, 1e-4)
    assert matrices["weight_decay"] == 1e-4 and vectors["weight_decay"] == 0.0
    assert all(p.ndim > 1 for p in matrices["params"]) and all(p.ndim == 1 for p in vectors["params"])
    assert len(matrices["params"]) + len(vectors["params"]) == len(list(model.parameters()))
