"""The random numbers of training views: drawn on the CPU for a whole batch, so that no device waits for them.

A few numbers a picture cost next to nothing here, and make a run repeatable: the same seed gives the same views on
a CPU, on a GPU, and on two processes that each take their part of the batch.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from encoder.view_config import ViewConfig

ATTEMPTS = 10  # as torchvision's RandomResizedCrop: boxes drawn before the whole picture is taken


@dataclass(frozen=True)
class ViewDraws:
    """What happens to each of n pictures, all on the CPU. Factors of pictures without jitter are neutral."""

    box: Tensor  # (n, 4) float: left, top, width, height in whole pixels
    flip: Tensor  # (n,) bool
    brightness: Tensor  # (n,) factors; 1 changes nothing
    contrast: Tensor
    saturation: Tensor
    hue: Tensor  # (n,) turns of the colour circle; 0 changes nothing
    order: Tensor  # (n,) number of a permutation of the four steps of the jitter, 0 to 23
    grayscale: Tensor  # (n,) bool
    blur: Tensor  # (n,) sigma in pixels of the view; 0: none

    def part(self, start: int, stop: int) -> ViewDraws:
        """The draws of pictures start … stop-1."""
        return ViewDraws(*(getattr(self, field.name)[start:stop] for field in dataclasses.fields(self)))

    def followed_by(self, other: ViewDraws) -> ViewDraws:
        """The draws of these views and then of the others."""
        names = [field.name for field in dataclasses.fields(self)]
        return ViewDraws(*(torch.cat([getattr(self, name), getattr(other, name)]) for name in names))


def draw_views(count: int, config: ViewConfig, *, side: int, generator: torch.Generator, block: int = 1) -> ViewDraws:
    """Draws for one view of `count` pictures of `side` pixels; each `block` of them shares an order of the jitter."""
    rng = generator
    jittered = _chance(count, config.jitter, rng)

    def factor(strength: float) -> Tensor:
        return torch.where(jittered, _uniform(count, max(0.0, 1 - strength), 1 + strength, rng), 1.0)

    return ViewDraws(
        box=draw_boxes(count, config, side=side, generator=rng),
        flip=_chance(count, config.flip, rng),
        brightness=factor(config.brightness),
        contrast=factor(config.contrast),
        saturation=factor(config.saturation),
        hue=torch.where(jittered, _uniform(count, -config.hue, config.hue, rng), 0.0),
        order=torch.randint(0, 24, (-(-count // block),), generator=rng).repeat_interleave(block)[:count],
        grayscale=_chance(count, config.grayscale, rng),
        blur=torch.where(_chance(count, config.blur, rng), _uniform(count, *config.blur_sigma, rng), 0.0),
    )


def draw_boxes(count: int, config: ViewConfig, *, side: int, generator: torch.Generator) -> Tensor:
    """(n, 4) left, top, width, height, distributed as those of torchvision's RandomResizedCrop.

    All attempts are drawn at once and the first that fits counts, which is what drawing them one by one comes to.
    """
    many = count * ATTEMPTS
    area = _uniform(many, *config.crop_scale, generator) * side * side
    low, high = config.crop_ratio
    ratio = torch.exp(_uniform(many, math.log(low), math.log(high), generator))
    width, height = torch.sqrt(area * ratio).round(), torch.sqrt(area / ratio).round()
    fits = ((width > 0) & (width <= side) & (height > 0) & (height <= side)).view(count, ATTEMPTS)
    first = fits.int().argmax(dim=1, keepdim=True)
    whole = ~fits.any(dim=1)
    width = width.view(count, ATTEMPTS).gather(1, first).squeeze(1).masked_fill(whole, side)
    height = height.view(count, ATTEMPTS).gather(1, first).squeeze(1).masked_fill(whole, side)
    left = (_uniform(count, 0, 1, generator) * (side - width + 1)).floor().minimum(side - width)
    top = (_uniform(count, 0, 1, generator) * (side - height + 1)).floor().minimum(side - height)
    return torch.stack([left, top, width, height], dim=1)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.empty(count).uniform_(low, high, generator=generator)


def _chance(count: int, share: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) < share
