"""One optimisation step: two views of every picture, one forward, the loss, one update."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from lightly.loss import DCLLoss, NTXentLoss
from torch import Tensor, nn

from encoder.model import SimCLR
from encoder.small_maps import with_small_maps
from encoder.view_draws import ViewConfig, draw_views
from encoder.views import block_of, make_views

Method = Literal["simclr", "dcl"]

# "dcl" is SimCLR with the positive pair left out of the loss's denominator (arXiv 2110.06848, eq. 6): it needs neither
# large batches nor many epochs to get as far.
LOSSES: Mapping[Method, type[nn.Module]] = {"simclr": NTXentLoss, "dcl": DCLLoss}


@dataclass(frozen=True)
class StepConfig:
    """What a step needs to know of its run."""

    method: Method
    batch_size: int
    temperature: float
    momentum: float
    weight_decay: float
    bfloat16: bool


class Step:
    """Trains `model`, which is on `device`, by one batch at a time.

    `mean` and `std` are those of the pictures' channels in [0, 1]. `draws` decides every random number of the views
    and lives on the CPU whatever the device.
    """

    def __init__(
        self,
        model: SimCLR,
        config: StepConfig,
        *,
        views: ViewConfig,
        statistics: tuple[tuple[float, ...], tuple[float, ...]],
        device: torch.device,
        draws: torch.Generator,
    ) -> None:
        self._config, self._views, self._device, self.draws = config, views, device, draws
        self._side = model.architecture.input_size
        self._mean, self._std = (torch.tensor(values, device=device) for values in statistics)
        self.network = trainable(model, device)
        self._criterion = LOSSES[config.method](temperature=config.temperature)
        self.optimiser = torch.optim.SGD(
            parameter_groups(model, config.weight_decay),
            lr=0.0,
            momentum=config.momentum,
            fused=device.type == "cuda",
        )
        self._both = torch.empty(2 * config.batch_size, 3, self._side, self._side, device=device).contiguous(
            memory_format=torch.channels_last
        )

    def __call__(self, pictures: Tensor, *, learning_rate: float) -> tuple[Tensor, Tensor]:
        """(n, h, w, 3) uint8 on the device -> loss (a scalar there) and the first views' projections (n, d)."""
        return self.update(self.make_both_views(pictures), learning_rate=learning_rate)

    def make_both_views(self, pictures: Tensor) -> Tensor:
        """(n, h, w, 3) uint8 -> (2n, 3, size, size), the second views behind the first; the next call overwrites it."""
        count, side = len(pictures), pictures.shape[1]
        both = self._both[: 2 * count]
        for part in both.chunk(2):
            draws = draw_views(count, self._views, side=side, generator=self.draws, block=block_of(self._device))
            make_views(pictures, draws, size=self._side, mean=self._mean, std=self._std, out=part)
        return both

    def update(self, both: Tensor, *, learning_rate: float) -> tuple[Tensor, Tensor]:
        """One forward and backward of ready views, and the optimiser's step."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        # Both views go through the network as one batch: one forward, and batch norm sees them together.
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._config.bfloat16):
            projected = self.network(both)
        one, two = projected.float().chunk(2)
        loss = cast(Tensor, self._criterion(one, two))
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimiser.step()
        return loss.detach(), one.detach()


def trainable(model: SimCLR, device: torch.device) -> nn.Module:
    """The network as the device trains it fastest; its parameters are those of `model`."""
    if device.type == "cpu":
        return with_small_maps(model)
    # Batch norm, ReLU and the additions around them in one pass over the maps: they, not the products, are the time.
    return cast(nn.Module, torch.compile(model, dynamic=False))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices only: none on biases and batch norm, as in SimCLR's own code."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def scheduled_rate(base: float, *, batch_size: int, warmup_share: float, step: int, total: int) -> float:
    """Linear warm-up, then half a cosine down to zero (SimCLR, section 2.2)."""
    peak = base * batch_size / 256
    warmup = max(1, round(total * warmup_share))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
