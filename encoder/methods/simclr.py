"""SimCLR (arXiv 2002.05709) and its decoupled loss: every other picture of the batch is a negative."""

from __future__ import annotations

from typing import cast

import torch
from lightly.loss import DCLLoss, NTXentLoss
from torch import Tensor

from encoder.methods.method import Method, MethodSettings
from encoder.model import SimCLR


class SimCLRMethod(Method):
    """NT-Xent (SimCLR, eq. 1)."""

    criterion_type = NTXentLoss

    def __init__(self, model: SimCLR, settings: MethodSettings, *, device: torch.device) -> None:
        super().__init__()
        self.criterion = self.criterion_type(temperature=settings.temperature, gather_distributed=settings.gather)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Of the projections of both views, with each other."""
        one, two = outputs.chunk(2)
        return cast(Tensor, self.criterion(one, two))


class DCLMethod(SimCLRMethod):
    """SimCLR with the positive pair left out of the loss's denominator (arXiv 2110.06848, eq. 6): it needs neither
    large batches nor many epochs to get as far."""

    criterion_type = DCLLoss
