"""Training views, made for a whole batch at once on the device that trains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in torchvision's rgb_to_grayscale


@dataclass(frozen=True)
class ViewConfig:
    """Strengths of the augmentations; the defaults are SimCLR's for CIFAR-10 (arXiv 2002.05709, appendix B.9),
    which leaves the blur out, with the crops of lightly's benchmark (scale from 0.2, not 0.08: small pictures)."""

    crop_scale: tuple[float, float] = (0.2, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: float = 0.8
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    grayscale: float = 0.2
    blur: float = 0.0
    blur_sigma: tuple[float, float] = (0.1, 2.0)


def make_views(
    pictures: Tensor,
    config: ViewConfig,
    *,
    size: int,
    mean: Tensor,
    std: Tensor,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One random view of each picture: (n, 3, h, w) uint8 -> (n, 3, size, size) float, normalised."""
    rng = generator
    views = random_crop(pictures, config, size=size, generator=rng)
    views = random_jitter(views, config, generator=rng)
    views = random_grayscale(views, config.grayscale, generator=rng)
    if config.blur > 0:
        views = random_blur(views, config, generator=rng)
    return (views - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)


def _uniform(count: int, low: float, high: float, like: Tensor, rng: torch.Generator | None) -> Tensor:
    return torch.empty(count, device=like.device).uniform_(low, high, generator=rng)


def random_crop(pictures: Tensor, config: ViewConfig, *, size: int, generator: torch.Generator | None) -> Tensor:
    """Random resized crop and horizontal flip in one bilinear sampling step, values in [0, 1].

    Area and aspect ratio are drawn as torchvision's RandomResizedCrop draws them; a box that does not fit is
    clamped to the picture instead of being drawn again, since a loop would wait for the slowest picture.
    """
    count = len(pictures)
    area = _uniform(count, *config.crop_scale, pictures, generator)
    low, high = config.crop_ratio
    ratio = torch.exp(_uniform(count, math.log(low), math.log(high), pictures, generator))
    width = torch.sqrt(area * ratio).clamp(max=1.0)
    height = torch.sqrt(area / ratio).clamp(max=1.0)
    left = (1 - width) * (2 * _uniform(count, 0, 1, pictures, generator) - 1)
    top = (1 - height) * (2 * _uniform(count, 0, 1, pictures, generator) - 1)
    mirror = torch.where(_uniform(count, 0, 1, pictures, generator) < config.flip, -1.0, 1.0)
    zero = torch.zeros_like(width)
    affine = torch.stack(
        [torch.stack([width * mirror, zero, left], dim=1), torch.stack([zero, height, top], dim=1)], dim=1
    )
    grid = functional.affine_grid(affine, [count, 3, size, size], align_corners=False)
    scaled = pictures.float().div_(255)
    return functional.grid_sample(scaled, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def random_jitter(views: Tensor, config: ViewConfig, *, generator: torch.Generator | None) -> Tensor:
    """Brightness, contrast, saturation and hue in a random order (drawn once a batch), on a share of the views."""
    chosen = _uniform(len(views), 0, 1, views, generator) < config.jitter
    picked = views[chosen]
    count = len(picked)
    for step in torch.randperm(4, generator=generator, device=views.device).tolist():
        if step == 0 and config.brightness:
            factor = _uniform(count, 1 - config.brightness, 1 + config.brightness, views, generator)
            picked = (picked * factor.view(-1, 1, 1, 1)).clamp_(0, 1)
        elif step == 1 and config.contrast:
            factor = _uniform(count, 1 - config.contrast, 1 + config.contrast, views, generator).view(-1, 1, 1, 1)
            level = luma(picked).mean(dim=(2, 3), keepdim=True)
            picked = torch.lerp(level, picked, factor).clamp_(0, 1)
        elif step == 2 and config.saturation:
            factor = _uniform(count, 1 - config.saturation, 1 + config.saturation, views, generator)
            picked = torch.lerp(luma(picked), picked, factor.view(-1, 1, 1, 1)).clamp_(0, 1)
        elif step == 3 and config.hue:
            picked = shift_hue(picked, _uniform(count, -config.hue, config.hue, views, generator))
    result = views.clone()
    result[chosen] = picked
    return result


def luma(views: Tensor) -> Tensor:
    """(n, 3, h, w) -> (n, 1, h, w)."""
    red, green, blue = LUMA
    return (red * views[:, 0] + green * views[:, 1] + blue * views[:, 2]).unsqueeze(1)


def shift_hue(views: Tensor, turns: Tensor) -> Tensor:
    """Rotate the HSV hue of each picture by `turns` (n,), in turns of the colour circle."""
    value, _ = views.max(dim=1, keepdim=True)
    chroma = value - views.amin(dim=1, keepdim=True)
    # hue in sixths of a turn for channel offsets 5, 3, 1 (red, green, blue): c = v - chroma * clamp(min(k, 4-k), 0, 1)
    red, green, blue = views.unbind(dim=1)
    top, span = value.squeeze(1), chroma.squeeze(1).clamp_min(1e-8)
    hue = torch.where(
        top == red,
        ((green - blue) / span) % 6,
        torch.where(top == green, (blue - red) / span + 2, (red - green) / span + 4),
    )
    hue = hue + 6 * turns.view(-1, 1, 1)
    offsets = torch.tensor([5.0, 3.0, 1.0], device=views.device).view(1, 3, 1, 1)
    k = (offsets + hue.unsqueeze(1)) % 6
    return value - chroma * torch.minimum(k, 4 - k).clamp_(0, 1)


def random_grayscale(views: Tensor, share: float, *, generator: torch.Generator | None) -> Tensor:
    """Replace all three channels by their luma in a share of the views."""
    chosen = _uniform(len(views), 0, 1, views, generator) < share
    return torch.where(chosen.view(-1, 1, 1, 1), luma(views), views)


def random_blur(views: Tensor, config: ViewConfig, *, generator: torch.Generator | None) -> Tensor:
    """Gaussian blur with a kernel a tenth of the picture wide (SimCLR, appendix A), sigma drawn per picture."""
    count, channels, size, _ = views.shape
    side = max(3, (size // 10) | 1)
    sigma = _uniform(count, *config.blur_sigma, views, generator).view(-1, 1)
    steps = torch.arange(side, device=views.device) - side // 2
    kernel = torch.exp(-(steps**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    planes = views.reshape(1, count * channels, size, size)
    planes = functional.pad(planes, [side // 2] * 4, mode="reflect")
    planes = functional.conv2d(planes, kernel.view(-1, 1, side, 1), groups=count * channels)
    planes = functional.conv2d(planes, kernel.view(-1, 1, 1, side), groups=count * channels)
    chosen = _uniform(count, 0, 1, views, generator) < config.blur
    return torch.where(chosen.view(-1, 1, 1, 1), planes.reshape(views.shape), views)
