"""Which network: all that has to be known to build it again before its weights are loaded. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Backbone = Literal["resnet18", "resnet34", "resnet50"]
Stem = Literal["imagenet", "small", "small-pool2", "small-pool4"]

# Side of the max-pool behind a 3x3 stem. None is SimCLR's own change for CIFAR (Chen et al. 2020,
# arXiv 2002.05709, appendix B.9); 2 gives the 64-px stem of STL-10 studies; 4 makes layer1 run on 8x8 maps for a
# 32-px picture, 24 times less work, which is what lets two CPU cores train 50,000 pictures in minutes.
POOL_SIDE: dict[Stem, int] = {"small": 1, "small-pool2": 2, "small-pool4": 4}


@dataclass(frozen=True)
class Architecture:
    """What has to be known to build the network again before its weights are loaded."""

    backbone: Backbone
    stem: Stem
    input_size: int

    def dimension(self) -> int:
        """Length of an embedding."""
        return 2048 if self.backbone == "resnet50" else 512

    def last_map_side(self) -> int:
        """Side of the map that layer4 receives: layer2 and layer3 halve what the stem leaves."""
        stem = 4 if self.stem == "imagenet" else POOL_SIDE[self.stem]
        return self.input_size // stem // 4
