"""Each way to learn: what it keeps besides the network, and that a checkpoint holds all of it."""

from __future__ import annotations

import io
import itertools
from typing import Any, cast

import pytest
import torch
from lightly.loss import NTXentLoss
from torch import nn

from encoder.methods.choice import METHODS, build_model
from encoder.methods.method import cosine_momentum, follow
from encoder.methods.moco import MoCoMethod
from encoder.step import Step
from encoder.training.config import MethodName, OptimiserName, TrainConfig
from encoder.view_config import ViewConfig
from tests.encoder.shapes import draw_shapes

BATCH = 16


def fresh_step(method: MethodName, optimiser: OptimiserName = "sgd", *, seed: int = 1) -> Step:
    torch.manual_seed(seed)
    config = TrainConfig(
        method=method,
        optimiser=optimiser,
        size=16,
        batch_size=BATCH,
        queue_size=64,
        projection_dimension=32,
        bfloat16=False,
    )
    step = Step(
        build_model(config).to(memory_format=torch.channels_last),
        config,
        views=ViewConfig(),
        statistics=((0.5,) * 3, (0.25,) * 3),
        device=torch.device("cpu"),
        draws=torch.Generator().manual_seed(seed),
    )
    step.network.train()
    return step


def pictures() -> torch.Tensor:
    return torch.from_numpy(draw_shapes(BATCH, seed=3, side=16)[0])


def whole_state(step: Step) -> dict[str, Any]:
    return {
        "network": step.network.state_dict(),
        "method": step.method.state_dict(),
        "optimiser": step.optimiser.state_dict(),
        "draws": step.draws.get_state(),
    }


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Places where two states are not the same to the last bit."""
    if isinstance(one, torch.Tensor):
        return [] if torch.equal(one, other) else [where]
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        return [place for key in one for place in differences(one[key], other[key], f"{where}/{key}")]
    if isinstance(one, list):
        return [place for pair in enumerate(zip(one, other, strict=True)) for place in differences(*pair[1], where)]
    return [] if one == other else [where]


@pytest.mark.parametrize(("method", "optimiser"), [*itertools.product(METHODS, ["sgd"]), ("simclr", "lars")])
def test_a_state_that_was_saved_and_loaded_goes_on_to_the_last_bit(
    method: MethodName, optimiser: OptimiserName
) -> None:
    step = fresh_step(method, optimiser)
    for _ in range(2):
        step(pictures(), learning_rate=0.05, share_done=0.1)
    file = io.BytesIO()
    torch.save(whole_state(step), file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    other = fresh_step(method, optimiser, seed=2)
    other.network.load_state_dict(saved["network"])
    other.method.load_state_dict(saved["method"])
    other.optimiser.load_state_dict(saved["optimiser"])
    other.draws.set_state(saved["draws"])
    losses = [float(one(pictures(), learning_rate=0.05, share_done=0.2)[0]) for one in (step, other)]
    assert losses[0] == losses[1]
    assert differences(whole_state(step), whole_state(other)) == []


def test_lars_moves_the_weights() -> None:
    step = fresh_step("simclr", "lars")
    both = step.make_both_views(pictures())
    losses = [float(step.update(both, learning_rate=5.0)[0]) for _ in range(6)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("method", ["byol", "moco"])
def test_the_slow_network_starts_as_a_copy_and_follows(method: MethodName) -> None:
    step = fresh_step(method)
    slow = cast(nn.Module, step.method.target if method == "byol" else step.method.keys)
    assert not any(tensor.requires_grad for tensor in slow.parameters())
    before = [tensor.clone() for tensor in slow.parameters()]
    online = cast(Any, step.method)._plain[0]
    for one, other in zip(slow.parameters(), online.parameters(), strict=True):
        assert torch.equal(one, other)
    step(pictures(), learning_rate=0.1, share_done=0.0)
    for now, then, fast in zip(slow.parameters(), before, online.parameters(), strict=True):
        torch.testing.assert_close(now, 0.99 * then + 0.01 * fast, rtol=1e-4, atol=1e-6)


def test_the_momentum_rises_to_one_along_a_cosine() -> None:
    values = [cosine_momentum(0.99, share_done=share / 10) for share in range(11)]
    assert values[0] == pytest.approx(0.99) and values[5] == pytest.approx(0.995) and values[10] == pytest.approx(1.0)
    assert values == sorted(values)


def test_following_is_the_plain_formula() -> None:
    target, online = ([torch.randn(3, 2), torch.randn(4)] for _ in range(2))
    wanted = [0.9 * one + 0.1 * other for one, other in zip(target, online, strict=True)]
    follow(target, online, momentum=0.9)
    for found, right in zip(target, wanted, strict=True):
        torch.testing.assert_close(found, right)


def test_keys_come_back_in_the_order_of_their_pictures() -> None:
    step = fresh_step("moco")
    method = cast(MoCoMethod, step.method)
    both = step.make_both_views(pictures())
    method.keys.eval()  # statistics of a part say nothing then
    method._plain[1].eval()
    found = method.targets(both, draws=step.draws)
    with torch.no_grad():
        torch.testing.assert_close(found, method.keys(both), rtol=1e-4, atol=1e-5)


def test_the_queue_takes_both_views_keys_and_gives_up_the_oldest() -> None:
    step = fresh_step("moco")
    method = cast(MoCoMethod, step.method)
    queue = method.get_buffer("queue")
    first = queue.clone()
    step(pictures(), learning_rate=0.05)
    changed = torch.ne(queue, first).any(dim=1)
    assert changed[: 2 * BATCH].all() and not changed[2 * BATCH :].any()
    torch.testing.assert_close(queue.norm(dim=1), torch.ones(64), rtol=1e-4, atol=1e-4)
    step(pictures(), learning_rate=0.05)
    assert torch.ne(queue, first).any(dim=1).all()
    assert int(method.get_buffer("queue_place")) == 0


def test_moco_compares_with_the_other_views_key_and_the_queue() -> None:
    """InfoNCE, written plainly."""
    step = fresh_step("moco")
    method = cast(MoCoMethod, step.method)
    outputs, keys, queue = torch.randn(8, 32), torch.randn(8, 32), method.get_buffer("queue").clone()
    queries, swapped = (nn.functional.normalize(one, dim=1) for one in (outputs, torch.cat([keys[4:], keys[:4]])))
    logits = torch.cat([(queries * swapped).sum(dim=1, keepdim=True), queries @ queue.T], dim=1) / 0.2
    wanted = nn.functional.cross_entropy(logits, torch.zeros(8, dtype=torch.long))
    torch.testing.assert_close(method.loss(outputs, keys), wanted)
    assert isinstance(method.criterion, NTXentLoss)
