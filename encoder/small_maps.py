"""3x3 convolutions on maps of 2x2 and smaller as one matrix product, several times faster to train on a CPU."""

from __future__ import annotations

import copy
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

# On 2x2 maps every output sees every input, so nothing is multiplied by a zero that a convolution would have skipped.
LARGEST_SIDE = 2


class SmallMapConv2d(nn.Conv2d):
    """A 3x3 convolution, padding 1, no bias, that shares its weight with the one it was made from.

    oneDNN computes all nine taps of such a kernel although only those over the map count, and its weight gradient
    runs at a tenth of the speed of a matrix product there (docs/decisions/0006-small-maps.md).
    """

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c, side, side) -> (n, k, ceil(side / stride), ceil(side / stride)), as nn.Conv2d."""
        side = maps.shape[-1]
        if side > LARGEST_SIDE or maps.shape[-2] != side:
            return super().forward(maps)
        stride = self.stride[0]
        out_side = -(-side // stride)
        taps = tap_positions(side, out_side, stride).to(self.weight)
        kernels, channels = self.weight.shape[:2]
        dense = (self.weight.reshape(kernels * channels, 9) @ taps).view(kernels, channels, out_side**2, side**2)
        matrix = dense.permute(3, 1, 2, 0).reshape(side**2 * channels, out_side**2 * kernels)
        flat = maps.permute(0, 2, 3, 1).reshape(len(maps), side**2 * channels)
        product = flat @ matrix
        return product.view(len(maps), out_side, out_side, kernels).permute(0, 3, 1, 2)


def tap_positions(side: int, out_side: int, stride: int) -> Tensor:
    """Which of the nine taps joins an input to an output: (9, out_side ** 2 * side ** 2) of zeros and ones."""
    taps = torch.zeros(9, out_side, out_side, side, side)
    for out_row in range(out_side):
        for out_column in range(out_side):
            for row in range(side):
                for column in range(side):
                    down, right = row - out_row * stride + 1, column - out_column * stride + 1
                    if 0 <= down < 3 and 0 <= right < 3:
                        taps[down * 3 + right, out_row, out_column, row, column] = 1
    return taps.view(9, -1)


def with_small_maps(network: Network) -> Network:
    """A copy of `network` with a SmallMapConv2d for every 3x3 convolution.

    Parameters and buffers are the very tensors of `network`: training the copy trains the original, which stays a
    plain torchvision network, for saving and export.
    """
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, shared)
    for name, module in list(twin.named_modules()):
        if type(module) is nn.Conv2d and _fits(module):
            small = SmallMapConv2d(
                module.in_channels,
                module.out_channels,
                3,
                stride=cast("tuple[int, int]", module.stride),
                padding=1,
                bias=False,
                device="meta",
            )
            small.weight = module.weight
            parent, _, child = name.rpartition(".")
            setattr(twin.get_submodule(parent), child, small)
    return twin


def _fits(module: nn.Conv2d) -> bool:
    return (
        module.kernel_size == (3, 3)
        and module.padding == (1, 1)
        and module.dilation == (1, 1)
        and module.groups == 1
        and module.bias is None
        and module.stride[0] == module.stride[1]
    )
