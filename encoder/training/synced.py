"""Batch norm over the batches of all processes, on CPUs too, where torch's own SyncBatchNorm does not run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch import distributed as dist

Network = TypeVar("Network", bound=nn.Module)


class _SumOverRanks(torch.autograd.Function):
    """A sum over the processes; so is its gradient, since every process's loss depends on everybody's input."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


class AllReduceBatchNorm(nn.modules.batchnorm._BatchNorm):
    """nn.BatchNorm1d and 2d with the statistics of the batches of all processes, which are of equal size."""

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c) or (n, c, h, w), as nn.BatchNorm."""
        if not self.training:
            return super().forward(maps)
        axes = [axis for axis in range(maps.ndim) if axis != 1]
        wide = maps.float()
        count = maps.numel() // maps.shape[1] * dist.get_world_size()
        mean = cast(Tensor, _SumOverRanks.apply(wide.sum(axes))) / count
        shape = [1, -1] + [1] * (maps.ndim - 2)
        centred = wide - mean.view(shape)
        variance = cast(Tensor, _SumOverRanks.apply(centred.square().sum(axes))) / count
        self._remember(mean.detach(), variance.detach(), count)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale.view(shape) + self.bias.view(shape)).to(maps.dtype)

    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        tracked, momentum = cast(Tensor, self.num_batches_tracked), cast(float, self.momentum)
        tracked.add_(1)
        cast(Tensor, self.running_mean).lerp_(mean, momentum)
        cast(Tensor, self.running_var).lerp_(variance * (count / max(1, count - 1)), momentum)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in (2, 4):
            raise ValueError(f"batch norm over processes takes (n, c) or (n, c, h, w), not {tuple(input.shape)}")


def with_synced_norms(network: Network, device: torch.device) -> Network:
    """`network` with every batch norm replaced in place; parameters and buffers stay the very same tensors."""
    if device.type == "cuda":
        convert = cast(Callable[[nn.Module], nn.Module], nn.SyncBatchNorm.convert_sync_batchnorm)
        return cast(Network, convert(network))
    for name, module in list(network.named_modules()):
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            synced = AllReduceBatchNorm(module.num_features, module.eps, module.momentum)
            synced.weight, synced.bias = module.weight, module.bias
            synced.running_mean, synced.running_var = module.running_mean, module.running_var
            synced.num_batches_tracked = module.num_batches_tracked
            parent, _, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, synced)
    return network
