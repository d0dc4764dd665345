"""The optimisers of a run: SGD, and LARS for large batches."""

from __future__ import annotations

from typing import Any, cast

import torch
from lightly.utils.lars import LARS
from torch import nn

from encoder.training.config import TrainConfig


def build_optimiser(config: TrainConfig, network: nn.Module, *, device: torch.device) -> torch.optim.Optimizer:
    """Over all that is trained of `network`; the learning rate is set before every step."""
    groups = parameter_groups(network, config.weight_decay)
    if config.optimiser == "lars":
        # What does not decay is not scaled either: lightly does it as SimCLR and BYOL do.
        lars = LARS(groups, lr=0.0, momentum=config.momentum, weight_decay=config.weight_decay)
        return cast(torch.optim.Optimizer, lars)
    return torch.optim.SGD(groups, lr=0.0, momentum=config.momentum, fused=device.type == "cuda")


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices only: none on biases and batch norm, as in SimCLR's own code."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
