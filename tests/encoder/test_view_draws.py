"""What is drawn for the views is distributed as torchvision and lightly draw it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchvision.transforms import RandomResizedCrop

from encoder.view_config import ViewConfig
from encoder.view_draws import ViewDraws, draw_boxes, draw_views

MANY = 20_000


DEFAULT = ViewConfig()


def draws(config: ViewConfig = DEFAULT, *, count: int = MANY, seed: int = 0, block: int = 1) -> ViewDraws:
    return draw_views(count, config, side=32, generator=torch.Generator().manual_seed(seed), block=block)


def sorted_sizes_and_places(boxes: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Area, ratio, left and top of the boxes (n, 4), each sorted by itself."""
    left, top, width, height = boxes.T
    return [np.sort(values) for values in (width * height, width / height, left, top)]


def test_the_seed_decides() -> None:
    assert torch.equal(draws(seed=1, count=50).box, draws(seed=1, count=50).box)
    assert not torch.equal(draws(seed=1, count=50).box, draws(seed=2, count=50).box)


@pytest.mark.parametrize("scale", [(0.08, 1.0), (0.2, 1.0)])
def test_boxes_are_distributed_as_those_of_random_resized_crop(scale: tuple[float, float]) -> None:
    config = ViewConfig(crop_scale=scale)
    ours = draw_boxes(MANY, config, side=32, generator=torch.Generator().manual_seed(3)).numpy()
    torch.manual_seed(4)
    picture = torch.empty(3, 32, 32)
    drawn = [RandomResizedCrop.get_params(picture, list(scale), list(config.crop_ratio)) for _ in range(4000)]
    theirs = np.asarray([(left, top, width, height) for top, left, height, width in drawn], dtype=np.float32)
    for one, two in zip(sorted_sizes_and_places(ours), sorted_sizes_and_places(theirs), strict=True):
        points = np.linspace(0.0, 1.0, 201)[1:-1]
        # Kolmogorov–Smirnov: 0.035 is p = 0.001 for these two sample sizes.
        grid = np.unique(np.quantile(two, points))
        distance = np.abs(
            np.searchsorted(one, grid, side="right") / len(one) - np.searchsorted(two, grid, side="right") / len(two)
        ).max()
        assert distance < 0.035


def test_boxes_stay_inside_the_picture() -> None:
    left, top, width, height = draw_boxes(MANY, ViewConfig(), side=32, generator=torch.Generator().manual_seed(5)).T
    assert float(left.min()) == 0 and float(top.min()) == 0
    assert float((left + width).max()) == 32 and float((top + height).max()) == 32


def test_shares_are_those_that_were_asked_for() -> None:
    made = draws(replace(ViewConfig(), blur=0.3))
    assert float(made.flip.float().mean()) == pytest.approx(0.5, abs=0.015)
    assert float(made.grayscale.float().mean()) == pytest.approx(0.2, abs=0.012)
    assert float((made.blur > 0).float().mean()) == pytest.approx(0.3, abs=0.014)
    assert float((made.brightness != 1).float().mean()) == pytest.approx(0.8, abs=0.012)


def test_a_picture_with_jitter_gets_all_of_it_and_one_without_none() -> None:
    made = draws(count=1000)
    jittered = made.brightness != 1
    assert torch.equal(jittered, made.contrast != 1)
    assert torch.equal(jittered, made.saturation != 1)
    assert torch.equal(jittered, made.hue != 0)


def test_strengths_are_uniform_within_their_bounds() -> None:
    made = draws(replace(ViewConfig(), jitter=1.0))
    for values, low, high in ((made.brightness, 0.6, 1.4), (made.contrast, 0.6, 1.4), (made.hue, -0.1, 0.1)):
        assert low <= float(values.min()) and float(values.max()) <= high
        quartiles = torch.quantile(values, torch.tensor([0.25, 0.5, 0.75]))
        expected = torch.tensor([low, low, low]) + (high - low) * torch.tensor([0.25, 0.5, 0.75])
        assert torch.allclose(quartiles, expected, atol=0.02 * (high - low))


def test_a_strength_above_one_does_not_turn_colours_over() -> None:
    assert float(draws(replace(ViewConfig(), brightness=1.5)).brightness.min()) >= 0


def test_all_orders_of_the_jitter_are_drawn_alike_and_shared_by_a_block() -> None:
    counts = torch.bincount(draws().order, minlength=24)
    assert len(counts) == 24
    assert float(counts.min()) > 0.8 * MANY / 24
    order = draws(count=40, block=16).order
    assert len(order) == 40
    assert all(len(set(order[start : start + 16].tolist())) == 1 for start in (0, 16, 32))


def test_a_part_is_what_stands_at_its_places() -> None:
    whole = draws(count=50)
    part = whole.part(10, 20)
    assert torch.equal(part.box, whole.box[10:20])
    assert torch.equal(part.order, whole.order[10:20])
