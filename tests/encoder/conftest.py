"""One small encoder, saved once for all tests of this folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from encoder.architecture import Architecture
from encoder.folder import EncoderInfo, save_encoder
from encoder.model import SimCLR
from encoder.output import fit_output
from tests.encoder.shapes import MEAN, STD, draw_shapes

# Two threads on a busy machine wait for each other longer than they compute; these networks are small.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def pictures() -> NDArray[np.uint8]:
    """200 pictures that nothing was fitted to."""
    return draw_shapes(200, seed=1)[0]


@pytest.fixture(scope="session")
def model() -> SimCLR:
    """A ResNet-18 whose batch norms have seen data, as after training; otherwise activations would explode."""
    torch.manual_seed(0)
    network = SimCLR(Architecture(backbone="resnet18", stem="small-pool4", input_size=32))
    planes = torch.from_numpy(draw_shapes(32, seed=5)[0]).permute(0, 3, 1, 2).float() / 255
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # cumulative mean: two passes are enough
    network.train()
    with torch.no_grad():
        for _ in range(2):
            network.features((planes - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1))
    return network.eval()


@pytest.fixture(scope="session")
def encoder(model: SimCLR, tmp_path_factory: pytest.TempPathFactory) -> EncoderInfo:
    """The model as a folder, with an output transform and int8 ranges. Not to be changed: see `folder`."""
    features = np.random.default_rng(3).random((1000, 896), dtype=np.float32)
    return save_encoder(
        tmp_path_factory.mktemp("encoders") / "small",
        model,
        name="small",
        mean=MEAN,
        std=STD,
        training={"epoch": 0},
        metrics={"made_for": "tests"},
        output=fit_output(features, widths=(128, 256, 512), power=0.25),
        calibration=draw_shapes(256, seed=2)[0],
    )


@pytest.fixture
def folder(encoder: EncoderInfo, tmp_path: Path) -> Path:
    """A copy of the encoder that a test may damage."""
    return Path(shutil.copytree(encoder.path, tmp_path / "copy"))
