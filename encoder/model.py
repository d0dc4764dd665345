"""The networks: a torchvision ResNet behind a stem that fits the picture size, and SimCLR around it."""

from __future__ import annotations

from typing import cast

import torch
from lightly.models.modules import SimCLRProjectionHead
from torch import Tensor, nn
from torchvision.models import ResNet, resnet18, resnet34, resnet50

from encoder.architecture import POOL_SIDE, Architecture

BACKBONES = {"resnet18": resnet18, "resnet34": resnet34, "resnet50": resnet50}


def build_backbone(architecture: Architecture) -> nn.Module:
    """A randomly initialised backbone, (n, 3, s, s) float -> (n, dimension) float, pooled and not normalised."""
    network = BACKBONES[architecture.backbone](weights=None)
    network.fc = nn.Identity()
    if architecture.stem != "imagenet":
        network.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
        nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
        side = POOL_SIDE[architecture.stem]
        network.maxpool = nn.Identity() if side == 1 else nn.MaxPool2d(side)
    return cast(nn.Module, network)


class SimCLR(nn.Module):
    """Backbone and projection head: SimCLR's (Chen et al. 2020, section 2.1), or that of another method.

    `features` is what a search uses; `forward` is what the loss sees. Searching with the head's output makes
    retrieval worse the longer one trains (section 4.2), so the head never leaves training.
    """

    def __init__(
        self, architecture: Architecture, *, projection_dimension: int = 128, head: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.backbone = build_backbone(architecture)
        width = architecture.dimension()
        self.head = head or SimCLRProjectionHead(width, width, projection_dimension)

    def features(self, pictures: Tensor) -> Tensor:
        """(n, 3, s, s) normalised float -> (n, dimension)."""
        return cast(Tensor, self.backbone(pictures))

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, 3, s, s) normalised float -> (n, projection_dimension)."""
        return cast(Tensor, self.head(self.features(pictures)))


POOLED_LAYERS = ("layer2", "layer3", "layer4")


def pooled_layers(backbone: nn.Module, planes: Tensor) -> Tensor:
    """Pooled outputs of layer2, layer3 and layer4 side by side: (n, 3, s, s) -> (n, 1.75 * dimension)."""
    network = cast(ResNet, backbone)
    maps = network.layer1(network.maxpool(network.relu(network.bn1(network.conv1(planes)))))
    pooled = []
    for name in POOLED_LAYERS:
        maps = network.get_submodule(name)(maps)
        pooled.append(maps.mean(dim=(2, 3)))
    return torch.cat(pooled, dim=1)


class NormalisedBackbone(nn.Module):
    """What an encoder folder holds: uint8 pictures in, unit vectors out, so that every engine preprocesses alike."""

    def __init__(
        self,
        backbone: nn.Module,
        *,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        output: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.scale: Tensor
        self.shift: Tensor
        self.register_buffer("scale", torch.tensor([1 / (255 * s) for s in std]).view(1, 3, 1, 1))
        self.register_buffer("shift", torch.tensor([-m / s for m, s in zip(mean, std, strict=True)]).view(1, 3, 1, 1))
        self.output_mean: Tensor | None
        self.output_matrix: Tensor | None
        self.register_buffer("output_mean", output[0] if output else None)
        self.register_buffer("output_matrix", output[1] if output else None)

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, s, s, 3) uint8 -> (n, dimension) float32 of length 1."""
        planes = pictures.permute(0, 3, 1, 2).float() * self.scale + self.shift
        if self.output_mean is None or self.output_matrix is None:
            features = self.backbone(planes)
        else:
            features = (pooled_layers(self.backbone, planes) - self.output_mean) @ self.output_matrix
        return nn.functional.normalize(features, dim=1)
