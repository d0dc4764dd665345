"""BYOL (arXiv 2006.07733): the network predicts what a slow copy of itself makes of the other view; no negatives."""

from __future__ import annotations

from typing import cast

import torch
from lightly.loss import NegativeCosineSimilarity
from lightly.models.modules import BYOLPredictionHead, BYOLProjectionHead
from torch import Tensor, nn

from encoder.architecture import Architecture
from encoder.methods.method import Method, MethodSettings, cosine_momentum, follow, trainable, twin_of
from encoder.model import SimCLR


def hidden_width(dimension: int) -> int:
    """Of both heads: 4096 behind a ResNet-50 (BYOL, section 3.3), 1024 behind 512 (lightly's CIFAR-10 benchmark)."""
    return 2 * dimension


class BYOLMethod(Method):
    """A predictor that is trained, and a target network that follows, its momentum rising to 1."""

    def __init__(self, model: SimCLR, settings: MethodSettings, *, device: torch.device) -> None:
        super().__init__()
        width, dimension = hidden_width(model.architecture.dimension()), settings.projection_dimension
        self._momentum = settings.target_momentum
        self.predictor = BYOLPredictionHead(dimension, width, dimension).to(device)
        self.target = twin_of(model).to(device).to(memory_format=torch.channels_last)
        self._plain = (model, trainable(self.target, device))  # in a tuple: they are no part of the state
        self._criterion = NegativeCosineSimilarity()

    @staticmethod
    def head(architecture: Architecture, projection_dimension: int) -> nn.Module:
        """Linear, batch norm, ReLU, linear."""
        width = architecture.dimension()
        return cast(nn.Module, BYOLProjectionHead(width, hidden_width(width), projection_dimension))

    def network(self, online: nn.Module) -> nn.Module:
        """The model and the predictor behind it."""
        return nn.Sequential(online, self.predictor)

    @torch.no_grad()
    def targets(self, both: Tensor, *, draws: torch.Generator) -> Tensor:
        """The target network's projections."""
        return cast(Tensor, self._plain[1](both)).float()

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean over both directions of minus the cosine between prediction and target (eq. 2, up to a constant)."""
        one, two = targets.chunk(2)
        return cast(Tensor, self._criterion(outputs, torch.cat([two, one])))

    def after_step(self, *, share_done: float) -> None:
        """The target moves a little towards the network."""
        momentum = cosine_momentum(self._momentum, share_done=share_done)
        follow(self.target.parameters(), self._plain[0].parameters(), momentum=momentum)
