"""The matrix product on small maps: the same outputs and gradients as the convolution that it stands for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from encoder.architecture import Architecture
from encoder.model import SimCLR
from encoder.small_maps import SmallMapConv2d, with_small_maps


@pytest.mark.parametrize(("side", "stride"), [(1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 2)])
def test_outputs_and_gradients_are_those_of_the_convolution(side: int, stride: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(5, 7, 3, stride=stride, padding=1, bias=False)
    holder = nn.Sequential(plain)
    maps = torch.randn(6, 5, side, side, requires_grad=True)
    expected = plain(maps)
    gradient = torch.randn_like(expected)
    expected_maps, expected_weight = torch.autograd.grad(expected, [maps, plain.weight], gradient)
    twin = with_small_maps(holder)
    assert isinstance(twin[0], SmallMapConv2d)
    assert type(holder[0]) is nn.Conv2d
    found = twin(maps)
    found_maps, found_weight = torch.autograd.grad(found, [maps, plain.weight], gradient)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found_maps, expected_maps)
    torch.testing.assert_close(found_weight, expected_weight)


def test_a_step_of_the_twin_moves_the_network_that_it_was_made_from() -> None:
    torch.manual_seed(0)
    model = SimCLR(Architecture("resnet18", "small-pool4", 32)).to(memory_format=torch.channels_last)
    twin = with_small_maps(model)
    pictures = torch.randn(8, 3, 32, 32)
    assert list(twin.state_dict()) == list(model.state_dict())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.autograd.backward(twin(pictures).square().mean())
    optimiser.step()
    assert all(not torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    with torch.no_grad():
        torch.testing.assert_close(twin.eval()(pictures), model.eval()(pictures), rtol=1e-4, atol=1e-4)
