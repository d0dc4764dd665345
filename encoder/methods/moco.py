"""MoCo v2 (arXiv 1911.05722, 2003.04297): keys from a slow copy of the network, negatives from a queue of old keys."""

from __future__ import annotations

from typing import cast

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import MoCoProjectionHead
from torch import Tensor, nn

from encoder.architecture import Architecture
from encoder.methods.method import Method, MethodSettings, follow, trainable, twin_of
from encoder.model import SimCLR

# The keys go through batch norm in shuffled parts, as over the GPUs of the paper (section 3.3): statistics shared by a
# query and its key would give the answer away. 8 as in MoCo's own demo for CIFAR-10; fewer where parts would be tiny.
PARTS, LEAST_IN_PART = 8, 16


class MoCoMethod(Method):
    """A key network that follows, and lightly's memory bank. Each view is query and key: the demo's --symmetric."""

    def __init__(self, model: SimCLR, settings: MethodSettings, *, device: torch.device) -> None:
        super().__init__()
        self._momentum = settings.target_momentum
        self.keys = twin_of(model).to(device).to(memory_format=torch.channels_last)
        self._plain = (model, trainable(self.keys, device))  # in a tuple: they are no part of the state
        self.criterion = NTXentLoss(
            temperature=settings.temperature,
            memory_bank_size=(settings.queue_size, settings.projection_dimension),
            gather_distributed=settings.gather,
        ).to(device)
        # lightly does not save its bank; a run that goes on needs it.
        bank = self.criterion.memory_bank
        self.register_buffer("queue", bank.bank)
        self.register_buffer("queue_place", bank.bank_ptr)

    @staticmethod
    def head(architecture: Architecture, projection_dimension: int) -> nn.Module:
        """Linear, ReLU, linear (MoCo v2, section 3)."""
        width = architecture.dimension()
        return cast(nn.Module, MoCoProjectionHead(width, width, projection_dimension))

    @torch.no_grad()
    def targets(self, both: Tensor, *, draws: torch.Generator) -> Tensor:
        """The keys."""
        order = torch.randperm(len(both), generator=draws).to(both.device, non_blocking=True)
        parts = max(1, min(PARTS, len(both) // LEAST_IN_PART))
        shuffled = torch.cat([self._plain[1](both[rows]).float() for rows in order.tensor_split(parts)])
        keys = torch.empty_like(shuffled)
        keys[order] = shuffled
        return keys

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """InfoNCE of each view's projection, the other's key and the queue (MoCo, eq. 1), which the keys then join."""
        one, two = targets.chunk(2)
        return cast(Tensor, self.criterion(outputs, torch.cat([two, one])))

    def after_step(self, *, share_done: float) -> None:
        """The key network moves a little towards the one that is trained."""
        follow(self.keys.parameters(), self._plain[0].parameters(), momentum=self._momentum)
