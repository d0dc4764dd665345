"""Our training and lightly's on drawn shapes: the same network, the same start, figures under the right name."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from bench import quality
from encoder.model import SimCLR
from encoder.presets import PRESETS, Preset
from encoder.training.store import channel_statistics
from ingest.public.cifar10_source import Batch
from tests.encoder.shapes import draw_shapes


def shapes(count: int, *, seed: int) -> Batch:
    pictures, labels = draw_shapes(count, seed=seed, side=32)
    return Batch(pictures, labels.astype(np.uint8))


@pytest.fixture
def preset(monkeypatch: pytest.MonkeyPatch) -> Preset:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    small = PRESETS["quick-cpu"]
    config = dataclasses.replace(small.config, size=16, epochs=1, batch_size=32, bfloat16=False)
    return dataclasses.replace(small, config=config)


def test_each_side_trains_the_same_network_its_own_way(preset: Preset) -> None:
    pictures = quality.first(shapes(64, seed=1), 64, size=16).pictures
    device = torch.device("cpu")
    before = weights(quality.fresh(preset))
    ours, our_numbers = quality.ours(preset, pictures, device=device)
    theirs, their_numbers = quality.peer(preset, pictures, device=device)
    assert before.shape == weights(ours).shape == weights(theirs).shape
    assert not torch.equal(before, weights(ours))
    assert not torch.equal(before, weights(theirs))
    assert not torch.equal(weights(ours), weights(theirs))
    assert our_numbers == channel_statistics(pictures) != their_numbers


def test_figures_are_of_the_side_that_they_name(preset: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
    bank, asked = (quality.first(shapes(count, seed=seed), count, size=16) for count, seed in ((96, 1), (48, 2)))
    spoilt = quality.fresh(preset)
    for parameter in spoilt.parameters():  # every vector the same: it cannot tell one shape from another
        torch.nn.init.zeros_(parameter)
    monkeypatch.setattr(quality, "peer", lambda *_, **__: (spoilt, ((0.5,) * 3, (0.5,) * 3)))
    figures = quality.measure(preset, bank, asked, seeds=(1, 2), device=torch.device("cpu"))
    chance = np.bincount(asked.labels, minlength=3) / len(asked.labels)
    assert figures["peer_knn"] in chance
    assert len(figures["knn_by_seed"]) == len(figures["peer_knn_by_seed"]) == 2
    assert figures["difference"] == pytest.approx(figures["knn"] - figures["peer_knn"])
    assert figures["seconds"] > 0


def test_both_sides_begin_with_the_same_weights_of_a_seed(preset: Preset) -> None:
    other = dataclasses.replace(preset, config=dataclasses.replace(preset.config, seed=2))
    assert torch.equal(weights(quality.fresh(preset)), weights(quality.fresh(preset)))
    assert not torch.equal(weights(quality.fresh(preset)), weights(quality.fresh(other)))


def weights(model: SimCLR) -> torch.Tensor:
    return next(model.backbone.parameters()).detach().cpu().clone()
