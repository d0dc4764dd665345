"""What a run trains and how: the part of a plan that decides its result. Loads no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import ConfigDict

from encoder.architecture import Architecture, Backbone, Stem

MethodName = Literal["simclr", "dcl", "byol", "moco"]
OptimiserName = Literal["sgd", "lars"]


@dataclass(frozen=True)
class TrainConfig:
    """One run. A checkpoint of a run with any other value, views or pictures refuses to go on.

    Only `bfloat16` may differ: it is the machine's matter, and a run may go on on another machine.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    method: MethodName = "simclr"
    backbone: Backbone = "resnet18"
    stem: Stem = "small-pool4"
    size: int = 32
    epochs: int = 30
    # 256 rather than the 512 of the study that Ruiji grew from: at 30 epochs the number of steps is what is short.
    batch_size: int = 256
    optimiser: OptimiserName = "sgd"
    # Linear scaling, lr = base * batch / 256 (arXiv 1706.02677), base 0.3 as in SimCLR, section 2.3.
    base_learning_rate: float = 0.3
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup_share: float = 0.1
    # 0.2, our choice: between SimCLR's best for ImageNet, 0.1 (table 5), and for CIFAR-10 past 300 epochs, 0.5 (B.9).
    temperature: float = 0.2
    projection_dimension: int = 128
    # Of byol's target and moco's keys: 0.99 in lightly's BYOL and in MoCo's own demo, both for CIFAR-10 and 200 epochs;
    # BYOL begins with 0.996 for 1,000 epochs of ImageNet (arXiv 2006.07733, section 3.3).
    target_momentum: float = 0.99
    queue_size: int = 4096  # of moco: as in MoCo's own demo for CIFAR-10; 65,536 for ImageNet (arXiv 1911.05722)
    bfloat16: bool | None = None  # None: where the device has instructions for it
    seed: int = 1
    parent: str = ""  # id of the encoder folder or weights that the backbone comes from; empty: random weights

    def __post_init__(self) -> None:
        """Raise ValueError for what no run could have."""
        least = {"size": 8, "epochs": 1, "batch_size": 2, "projection_dimension": 2, "queue_size": 1}
        for name, limit in least.items():
            if getattr(self, name) < limit:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {limit}")
        for name in ("base_learning_rate", "temperature"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("momentum", "weight_decay", "warmup_share", "target_momentum"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be between 0 and 1")

    def architecture(self) -> Architecture:
        """The network that this run trains."""
        return Architecture(backbone=self.backbone, stem=self.stem, input_size=self.size)


def learning_rate(config: TrainConfig, *, step: int, total: int) -> float:
    """Of one step out of `total`: linear warm-up, then half a cosine down to zero (SimCLR, section 2.3)."""
    peak = config.base_learning_rate * config.batch_size / 256
    warmup = max(1, round(total * config.warmup_share))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
