"""Which methods there are, and what a run with one of them begins with."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from encoder.methods.byol import BYOLMethod
from encoder.methods.method import Method, MethodSettings
from encoder.methods.moco import MoCoMethod
from encoder.methods.simclr import DCLMethod, SimCLRMethod
from encoder.model import SimCLR
from encoder.training.config import MethodName, TrainConfig

METHODS: Mapping[MethodName, type[SimCLRMethod | BYOLMethod | MoCoMethod]] = {
    "simclr": SimCLRMethod,
    "dcl": DCLMethod,
    "byol": BYOLMethod,
    "moco": MoCoMethod,
}


def build_model(config: TrainConfig) -> SimCLR:
    """The network of a run with random weights, behind it the method's head."""
    architecture = config.architecture()
    head = METHODS[config.method].head(architecture, config.projection_dimension)
    return SimCLR(architecture, projection_dimension=config.projection_dimension, head=head)


def build_method(config: TrainConfig, model: SimCLR, *, device: torch.device, gather: bool = False) -> Method:
    """The method around a model that lies on `device` already."""
    settings = MethodSettings(
        projection_dimension=config.projection_dimension,
        temperature=config.temperature,
        target_momentum=config.target_momentum,
        queue_size=config.queue_size,
        gather=gather,
    )
    return METHODS[config.method](model, settings, device=device)
