"""The steps of training views on (n, 3, h, w) floats: crop, colour jitter, blur, grayscale and normalisation."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in torchvision's rgb_to_grayscale


@dataclass(frozen=True)
class ViewSteps:
    """The steps as one kind of device does them fastest; blur is the same on all."""

    crop: Callable[[Tensor, Tensor, Tensor], Tensor]
    jitter: Mapping[str, Callable[[Tensor, Tensor], Tensor]]
    finish: Callable[[Tensor, Tensor, Tensor, Tensor], object]


def crop(pictures: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """One bilinear sampling: (n, h, w, 3) uint8, columns and rows (n, size) -> (n, 3, size, size) in [0, 1]."""
    count, size = across.shape
    grid = torch.empty(count, size, size, 2, device=pictures.device)
    grid[..., 0] = across.unsqueeze(1)
    grid[..., 1] = down.unsqueeze(2)
    planes = pictures.permute(0, 3, 1, 2).float()
    sampled = functional.grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return sampled.mul_(1 / 255)


def change_brightness(views: Tensor, factor: Tensor) -> Tensor:
    """Multiplies (n, 3, h, w) in place."""
    return views.mul_(factor.view(-1, 1, 1, 1)).clamp_(0, 1)


def change_contrast(views: Tensor, factor: Tensor) -> Tensor:
    """Moves each picture away from its mean luma, or towards it, in place."""
    red, green, blue = views.mean(dim=(2, 3)).unbind(dim=1)
    level = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    return views.mul_(factor.view(-1, 1, 1, 1)).add_((level * (1 - factor)).view(-1, 1, 1, 1)).clamp_(0, 1)


def change_saturation(views: Tensor, factor: Tensor) -> Tensor:
    """Moves each pixel away from its own luma, or towards it."""
    return torch.bmm(towards_luma(factor), views.view(len(views), 3, -1)).view_as(views).clamp_(0, 1)


def shift_hue(views: Tensor, turns: Tensor) -> Tensor:
    """Rotates the HSV hue of each picture (n, 3, h, w) by `turns` (n,), in turns of the colour circle, in place."""
    return turn_hue(views, turns, opposite_hues(views.device))


def opposite_hues(device: torch.device) -> Tensor:
    """(1, 3, 1, 1): the hue at which each channel is empty, and a whole turn more than that."""
    return constant(device, 2.0, 2 - 1 / 3, 2 - 2 / 3).view(1, 3, 1, 1)


def turn_hue(views: Tensor, turns: Tensor, opposite: Tensor) -> Tensor:
    """What `shift_hue` does, with `opposite_hues` at hand.

    Free of branches and of `%`, which take 15 times as long here as comparisons and products in their place, and of
    every plane that can be spared: what does not fit in the second-level cache takes four times as long.
    """
    red, green, blue = views.unbind(dim=1)
    high, low = torch.maximum(green, blue), torch.minimum(green, blue)
    value = torch.maximum(red, high)
    # Sorting green and blue, then red, mirrors the circle at 1/2 or at 1/3 of a turn.
    flipped, turned = torch.empty_like(value), torch.empty_like(value)
    torch.lt(green, blue, out=flipped)
    torch.lt(red, high, out=turned)
    hue = torch.minimum(red, high, out=high).sub_(low)
    chroma = torch.sub(value, torch.minimum(red, low, out=low), out=low)
    hue.div_(chroma + 1e-8)
    flipped.mul_(turned.mul(12).sub_(6)).sub_(turned, alpha=2)
    hue.add_(flipped).abs_().mul_(1 / 6).add_(turns.view(-1, 1, 1))
    # A channel is empty within 1/6 of a turn around the hue opposite to its own, and full from 1/3 on.
    away = hue.unsqueeze(1) + opposite
    away.frac_().sub_(0.5).abs_().clamp_(1 / 6, 1 / 3)
    least = value.sub_(chroma, alpha=2).unsqueeze(1)
    return torch.addcmul(least, away, chroma.mul_(6).unsqueeze(1), out=views)


def finish(views: Tensor, mixing: Tensor, offset: Tensor, out: Tensor) -> None:
    """A 3x3 product over the channels, (n, 3, 3), and an offset (1, 3, 1), written to `out`."""
    out.copy_(torch.baddbmm(offset, mixing, views.view(len(views), 3, -1)).view_as(views))


def blur(views: Tensor, matrices: Tensor) -> Tensor:
    """Gaussian blur of (n, c, size, size) by `blur_matrices` (n, size, size), rows and columns alike.

    Two products take a third of the time of a grouped convolution on a CPU.
    """
    count, channels, size, _ = views.shape
    rows = torch.bmm(views.reshape(count, channels * size, size), matrices.transpose(1, 2))
    return torch.matmul(matrices.unsqueeze(1), rows.view_as(views))


def towards_luma(keep: Tensor) -> Tensor:
    """(n,) -> (n, 3, 3): keep * colour + (1 - keep) * luma."""
    luma = constant(keep.device, *LUMA).expand(3, 3)
    return torch.lerp(luma, torch.eye(3, device=keep.device), keep.view(-1, 1, 1))


@functools.cache
def constant(device: torch.device, *values: float) -> Tensor:
    """Values on a device, sent there once: sending them waits for all that a GPU still has to do."""
    return torch.tensor(values, device=device)


PLAIN = ViewSteps(
    crop=crop,
    jitter={
        "brightness": change_brightness,
        "contrast": change_contrast,
        "saturation": change_saturation,
        "hue": shift_hue,
    },
    finish=finish,
)
