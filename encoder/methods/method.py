"""What a method is: a head for the network, a loss over two views of each picture, and networks of its own."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from encoder.architecture import Architecture
from encoder.model import SimCLR
from encoder.small_maps import with_small_maps


@dataclass(frozen=True)
class MethodSettings:
    """What methods have to know of a run; each takes what it needs."""

    projection_dimension: int
    temperature: float
    target_momentum: float
    queue_size: int
    gather: bool  # whether several processes share one batch


class Method(nn.Module, ABC):
    """A way to learn. `state_dict()` is what it has beside the model: other networks, a queue.

    The order of a step: `network` and `targets` on both views, `loss`, the optimiser's step, `after_step`.
    """

    @staticmethod
    def head(architecture: Architecture, projection_dimension: int) -> nn.Module | None:
        """The projection head that this method trains with; None for SimCLR's."""
        return None

    def network(self, online: nn.Module) -> nn.Module:
        """What is trained: (2n, 3, s, s) -> (2n, d), the second views behind the first. `online` is the model."""
        return online

    def targets(self, both: Tensor, *, draws: torch.Generator) -> Tensor:
        """(2n, 3, s, s) -> what the outputs are compared with, (2n, d) without a gradient; nothing, if not said
        otherwise. `draws` decides all that is random."""
        return both.new_empty(0)

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(2n, d) float32 of `network`, and the targets -> a scalar."""

    def after_step(self, *, share_done: float) -> None:
        """After an optimiser's step; `share_done` is how much of the run is behind, 0 to 1."""


def trainable(model: nn.Module, device: torch.device) -> nn.Module:
    """The network as the device runs it fastest; its parameters are those of `model`."""
    if device.type == "cpu":
        return with_small_maps(model)
    # Batch norm, ReLU and the additions around them in one pass over the maps: they, not the products, are the time.
    return cast(nn.Module, torch.compile(model, dynamic=False))


def cosine_momentum(start: float, *, share_done: float) -> float:
    """Rises from `start` to 1 along half a cosine (BYOL, arXiv 2006.07733, section 3.3)."""
    return 1 - (1 - start) * (math.cos(math.pi * share_done) + 1) / 2


@torch.no_grad()
def follow(target: Iterable[Tensor], online: Iterable[Tensor], *, momentum: float) -> None:
    """target = momentum * target + (1 - momentum) * online, all tensors in a few kernels."""
    torch._foreach_lerp_(list(target), [tensor.detach() for tensor in online], 1 - momentum)


def twin_of(model: SimCLR) -> SimCLR:
    """A network with the same weights that no gradient reaches."""
    return copy.deepcopy(model).requires_grad_(False)
