"""Training views: what was drawn, done to a whole batch of uint8 pictures on the device that trains."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from encoder.view_draws import ViewDraws

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in torchvision's rgb_to_grayscale
STEPS = ("brightness", "contrast", "saturation", "hue")
ORDERS = tuple(itertools.permutations(STEPS))
# Pictures that are worked on at once. On a CPU all their planes stay in the second-level cache: measured 3 times
# faster than a whole batch at once (2 MiB, 64 px). A GPU is asked as seldom as possible instead.
CPU_BLOCK, GPU_BLOCK = 16, 256


def block_of(device: torch.device) -> int:
    """How many pictures a device works on at once."""
    return CPU_BLOCK if device.type == "cpu" else GPU_BLOCK


def make_views(
    pictures: Tensor, draws: ViewDraws, *, size: int, mean: Tensor, std: Tensor, out: Tensor | None = None
) -> Tensor:
    """One view of each picture: (n, h, w, 3) uint8 -> (n, 3, size, size) float32, normalised, channels last.

    `mean` and `std` are (3,) on the pictures' device. With `out` the views are written there. Nothing here makes the
    host wait for a GPU: all that decides about sizes is known on the CPU.
    """
    count = len(pictures)
    if out is None:
        layout = {"device": pictures.device, "memory_format": torch.channels_last}
        out = torch.empty(count, 3, size, size, **layout)  # type: ignore[call-overload]
    block = block_of(pictures.device)
    starts = [0, *(1 + torch.nonzero(draws.order.diff()).flatten()).tolist(), count]
    for first, last in itertools.pairwise(starts):
        for start in range(first, last, block):
            stop = min(start + block, last)
            out[start:stop] = _make_block(pictures[start:stop], draws.part(start, stop), size=size, mean=mean, std=std)
    return out


def _make_block(pictures: Tensor, draws: ViewDraws, *, size: int, mean: Tensor, std: Tensor) -> Tensor:
    """The views of pictures that share an order of the jitter."""
    views = crop(pictures, draws, size=size)
    for step in ORDERS[int(draws.order[0])]:
        amount = getattr(draws, step)
        if bool((amount != (0.0 if step == "hue" else 1.0)).any()):
            views = JITTER[step](views, amount.to(views.device, non_blocking=True))
    chosen = torch.nonzero(draws.blur).flatten()
    if len(chosen):
        where = chosen.to(views.device, non_blocking=True)
        views.index_copy_(0, where, blur(views[where], draws.blur[chosen]))
    # Grayscale mixes channels and blur mixes pixels, both linearly, so their order does not matter; with it after the
    # blur, it and the normalisation are one product with a 3x3 matrix.
    grey = draws.grayscale.to(views.device, torch.float32, non_blocking=True)
    mixing = _towards_luma(1 - grey) / std.view(1, 3, 1)
    mixed = torch.baddbmm((-mean / std).view(1, 3, 1), mixing, views.view(len(views), 3, -1))
    return mixed.view_as(views)


def crop(pictures: Tensor, draws: ViewDraws, *, size: int) -> Tensor:
    """Crop, mirror and resize in one bilinear sampling step: (n, h, w, 3) uint8 -> (n, 3, size, size) in [0, 1].

    Samples stay inside the box, as if it had been cut out first.
    """
    count, height, width, _ = pictures.shape
    box = draws.box.to(pictures.device, non_blocking=True)
    mirror = torch.where(draws.flip, -1.0, 1.0).to(pictures.device, non_blocking=True)
    centres = (torch.arange(size, device=pictures.device) + 0.5) / size - 0.5
    grid = torch.empty(count, size, size, 2, device=pictures.device)
    for axis, side, turn in ((0, width, mirror.view(-1, 1)), (1, height, 1.0)):
        start, length = box[:, axis, None], box[:, axis + 2, None]
        places = (centres * turn + 0.5) * length
        places = start + torch.minimum(places.clamp_min_(0.5), length - 0.5)
        places = places * (2 / side) - 1
        grid[..., axis] = places.unsqueeze(1 + axis)
    planes = pictures.permute(0, 3, 1, 2).float()
    sampled = functional.grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return sampled.mul_(1 / 255)


def change_brightness(views: Tensor, factor: Tensor) -> Tensor:
    """Multiplies (n, 3, h, w) in place."""
    return views.mul_(factor.view(-1, 1, 1, 1)).clamp_(0, 1)


def change_contrast(views: Tensor, factor: Tensor) -> Tensor:
    """Moves each picture away from its mean luma, or towards it, in place."""
    level = views.mean(dim=(2, 3)) @ _constant(views.device, *LUMA)
    return views.mul_(factor.view(-1, 1, 1, 1)).add_((level * (1 - factor)).view(-1, 1, 1, 1)).clamp_(0, 1)


def change_saturation(views: Tensor, factor: Tensor) -> Tensor:
    """Moves each pixel away from its own luma, or towards it."""
    return torch.bmm(_towards_luma(factor), views.view(len(views), 3, -1)).view_as(views).clamp_(0, 1)


def shift_hue(views: Tensor, turns: Tensor) -> Tensor:
    """Rotates the HSV hue of each picture (n, 3, h, w) by `turns` (n,), in turns of the colour circle, in place.

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
    away = hue.unsqueeze(1) + _constant(views.device, 2.0, 2 - 1 / 3, 2 - 2 / 3).view(1, 3, 1, 1)
    away.frac_().sub_(0.5).abs_().clamp_(1 / 6, 1 / 3)
    least = value.sub_(chroma, alpha=2).unsqueeze(1)
    return torch.addcmul(least, away, chroma.mul_(6).unsqueeze(1), out=views)


JITTER: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "brightness": change_brightness,
    "contrast": change_contrast,
    "saturation": change_saturation,
    "hue": shift_hue,
}


def blur(views: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of (n, c, size, size) with a sigma (n,) for each picture, on the CPU; edge pixels go on outside.

    The kernel is whole, as lightly's and Pillow's, not cut off at a tenth of the picture (SimCLR, appendix A). As two
    products with banded matrices it takes a third of the time of a grouped convolution on a CPU.
    """
    count, channels, size, _ = views.shape
    reach = math.ceil(4 * float(sigma.max()))
    spread = (2 * sigma.square()).to(views.device, non_blocking=True).view(-1, 1, 1)
    places = torch.arange(-reach, size + reach, device=views.device)
    # Weights below 2e-9 would be denormal numbers in the end, with which a CPU computes a hundred times more slowly.
    weights = torch.exp((-(places[reach : reach + size, None] - places).square() / spread).clamp_min_(-20))
    weights /= weights.sum(dim=2, keepdim=True)
    matrix = weights[:, :, reach : reach + size].contiguous()
    matrix[:, :, 0] += weights[:, :, :reach].sum(dim=2)
    matrix[:, :, -1] += weights[:, :, reach + size :].sum(dim=2)
    rows = torch.bmm(views.reshape(count, channels * size, size), matrix.transpose(1, 2))
    return torch.matmul(matrix.unsqueeze(1), rows.view_as(views))


def _towards_luma(keep: Tensor) -> Tensor:
    """(n,) -> (n, 3, 3): keep * colour + (1 - keep) * luma."""
    luma = _constant(keep.device, *LUMA).expand(3, 3)
    return torch.lerp(luma, torch.eye(3, device=keep.device), keep.view(-1, 1, 1))


@functools.cache
def _constant(device: torch.device, *values: float) -> Tensor:
    """Values on a device, sent there once: sending them waits for all that a GPU still has to do."""
    return torch.tensor(values, device=device)
