"""Training views: what was drawn, done to a whole batch of uint8 pictures on the device that trains."""

from __future__ import annotations

import functools
import itertools
import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from encoder.core_threads import for_each
from encoder.view_draws import ViewDraws

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in torchvision's rgb_to_grayscale
STEPS = ("brightness", "contrast", "saturation", "hue")
ORDERS = tuple(itertools.permutations(STEPS))
# Pictures that are worked on at once. On a CPU most of their planes stay in the second-level cache (2 MiB, 64 px), and
# threads still seldom wait for one another: both measured. A GPU is asked as seldom as possible instead.
CPU_BLOCK, GPU_BLOCK = 64, 256


def block_of(device: torch.device) -> int:
    """How many pictures a device works on at once."""
    return CPU_BLOCK if device.type == "cpu" else GPU_BLOCK


def make_views(
    pictures: Tensor, draws: ViewDraws, *, size: int, mean: Tensor, std: Tensor, out: Tensor | None = None
) -> Tensor:
    """Views of each picture: (n, h, w, 3) uint8 -> (k * n, 3, size, size) float32, normalised, channels last.

    `draws` are of k * n views, the first views of all pictures first. `mean` and `std` are (3,) on the pictures'
    device. With `out` the views are written there. Nothing here makes the host wait for a GPU: all that decides about
    sizes is known on the CPU.
    """
    count, device = len(draws.order), pictures.device
    if out is None:
        layout = {"device": device, "memory_format": torch.channels_last}
        out = torch.empty(count, 3, size, size, **layout)  # type: ignore[call-overload]
    plan = _Plan.of(draws, pictures.shape, size=size, mean=mean, std=std)
    target = out

    def work(part: slice) -> None:
        first = part.start % len(pictures)
        chosen = pictures[first : first + part.stop - part.start]
        target[part] = _make_block(chosen, draws, plan, part)

    parts = _parts(draws.order, len(pictures), block_of(device))
    if device.type == "cpu":
        for_each(work, parts)
    else:
        for part in parts:
            work(part)
    return out


def _parts(order: Tensor, pictures: int, block: int) -> list[slice]:
    """Runs of at most `block` views that share an order of the jitter and are of pictures that lie side by side."""
    count = len(order)
    turns = {0, count, *range(0, count, pictures), *(1 + torch.nonzero(order.diff()).flatten()).tolist()}
    return [
        slice(start, min(start + block, last))
        for first, last in itertools.pairwise(sorted(turns))
        for start in range(first, last, block)
    ]


@dataclass(frozen=True)
class _Plan:
    """What a few small tensors say for all views at once, on the device: blocks then ask for large operations only."""

    across: Tensor  # (n, size) where each column of a view is sampled, -1 to 1
    down: Tensor  # (n, size), of each row
    mixing: Tensor  # (n, 3, 3): grayscale and normalisation
    offset: Tensor  # (1, 3, 1)
    blurred: tuple[int, ...]  # numbers of the views that are blurred
    matrices: Tensor  # (blurred, size, size)

    @classmethod
    def of(cls, draws: ViewDraws, shape: Sequence[int], *, size: int, mean: Tensor, std: Tensor) -> _Plan:
        device = mean.device
        across, down = places(draws, height=shape[1], width=shape[2], size=size, device=device)
        # Grayscale mixes channels and blur mixes pixels, both linearly, so their order does not matter; with it after
        # the blur, it and the normalisation are one product with a 3x3 matrix.
        grey = draws.grayscale.to(device, torch.float32, non_blocking=True)
        chosen = torch.nonzero(draws.blur).flatten()
        return cls(
            across=across,
            down=down,
            mixing=_towards_luma(1 - grey) / std.view(1, 3, 1),
            offset=(-mean / std).view(1, 3, 1),
            blurred=tuple(chosen.tolist()),
            matrices=blur_matrices(draws.blur[chosen], size=size, device=device),
        )


def _make_block(pictures: Tensor, draws: ViewDraws, plan: _Plan, part: slice) -> Tensor:
    """The views of pictures that share an order of the jitter."""
    views = crop(pictures, plan.across[part], plan.down[part])
    for step in ORDERS[int(draws.order[part.start])]:
        amount = getattr(draws, step)[part]
        if bool((amount != (0.0 if step == "hue" else 1.0)).any()):
            views = JITTER[step](views, amount.to(views.device, non_blocking=True))
    first, last = bisect_left(plan.blurred, part.start), bisect_left(plan.blurred, part.stop)
    if first < last:
        where = torch.tensor(plan.blurred[first:last]).sub_(part.start).to(views.device, non_blocking=True)
        views.index_copy_(0, where, blur(views[where], plan.matrices[first:last]))
    return torch.baddbmm(plan.offset, plan.mixing[part], views.view(len(views), 3, -1)).view_as(views)


def places(draws: ViewDraws, *, height: int, width: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Where the columns and rows of each view lie in its picture: two (n, size), from -1 to 1 as grid_sample has them.

    Crop, mirror and resize in one; samples stay inside the box, as if it had been cut out first.
    """
    box = draws.box.to(device, non_blocking=True)
    mirror = torch.where(draws.flip, -1.0, 1.0).to(device, non_blocking=True).view(-1, 1)
    centres = (torch.arange(size, device=device) + 0.5) / size - 0.5

    def along(axis: int, side: int, turned: Tensor) -> Tensor:
        start, length = box[:, axis, None], box[:, axis + 2, None]
        inside = torch.minimum(((turned + 0.5) * length).clamp_min_(0.5), length - 0.5)
        return (start + inside) * (2 / side) - 1

    return along(0, width, centres * mirror), along(1, height, centres.expand(len(box), size))


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


def blur(views: Tensor, matrices: Tensor) -> Tensor:
    """Gaussian blur of (n, c, size, size) by `blur_matrices` (n, size, size), rows and columns alike.

    Two products take a third of the time of a grouped convolution on a CPU.
    """
    count, channels, size, _ = views.shape
    rows = torch.bmm(views.reshape(count, channels * size, size), matrices.transpose(1, 2))
    return torch.matmul(matrices.unsqueeze(1), rows.view_as(views))


def blur_matrices(sigma: Tensor, *, size: int, device: torch.device) -> Tensor:
    """(n,) sigmas in pixels, on the CPU -> (n, size, size) banded matrices; edge pixels go on outside.

    The kernel is whole, as lightly's and Pillow's, not cut off at a tenth of the picture (SimCLR, appendix A).
    """
    if not len(sigma):
        return torch.empty(0, size, size, device=device)
    reach = math.ceil(4 * float(sigma.max()))
    spread = (2 * sigma.square()).to(device, non_blocking=True).view(-1, 1, 1)
    pixels = torch.arange(-reach, size + reach, device=device)
    # Weights below 2e-9 would be denormal numbers in the end, with which a CPU computes a hundred times more slowly.
    weights = torch.exp((-(pixels[reach : reach + size, None] - pixels).square() / spread).clamp_min_(-20))
    weights /= weights.sum(dim=2, keepdim=True)
    matrices = weights[:, :, reach : reach + size].contiguous()
    matrices[:, :, 0] += weights[:, :, :reach].sum(dim=2)
    matrices[:, :, -1] += weights[:, :, reach + size :].sum(dim=2)
    return matrices


def _towards_luma(keep: Tensor) -> Tensor:
    """(n,) -> (n, 3, 3): keep * colour + (1 - keep) * luma."""
    luma = _constant(keep.device, *LUMA).expand(3, 3)
    return torch.lerp(luma, torch.eye(3, device=keep.device), keep.view(-1, 1, 1))


@functools.cache
def _constant(device: torch.device, *values: float) -> Tensor:
    """Values on a device, sent there once: sending them waits for all that a GPU still has to do."""
    return torch.tensor(values, device=device)
