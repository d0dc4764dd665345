"""lightly's documented training loop: its transform on one Pillow image at a time, a DataLoader, two forwards, SGD."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from lightly.loss import NTXentLoss
from lightly.transforms.simclr_transform import SimCLRTransform
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from encoder.model import SimCLR

# Of lightly's benchmark on CIFAR-10 (docs/source/getting_started/benchmarks/cifar10_benchmark.py); the rate is that of
# a batch of 128 and grows with it, half a cosine takes it down epoch by epoch.
RATE, RATE_BATCH, MOMENTUM, WEIGHT_DECAY = 6e-2, 128, 0.9, 5e-4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # its `imagenet_normalize`, which its transform subtracts


class InMemory(Dataset[tuple[Tensor, Tensor]]):
    """Decoded pictures through lightly's transform, one at a time, as a DataLoader's process asks for them."""

    def __init__(self, pictures: NDArray[np.uint8], transform: SimCLRTransform) -> None:
        self.pictures, self.transform = pictures, transform

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        one, two = cast(list[Tensor], self.transform(Image.fromarray(self.pictures[index])))
        return one, two


def train(
    model: SimCLR, pictures: NDArray[np.uint8], *, epochs: int, batch_size: int, device: torch.device, seed: int
) -> None:
    """lightly's SimCLR for CIFAR-10, on (n, s, s, 3) uint8 of the network's size, in fp32."""
    torch.manual_seed(seed)
    model.to(device).train()
    criterion = NTXentLoss()
    optimiser = torch.optim.SGD(
        model.parameters(), lr=RATE * batch_size / RATE_BATCH, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    transform = SimCLRTransform(input_size=model.architecture.input_size, gaussian_blur=0.0)
    loader = DataLoader(
        InMemory(pictures, transform),
        batch_size=batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=os.cpu_count() or 1,
        persistent_workers=True,
        generator=torch.Generator().manual_seed(seed),
    )
    for _ in range(epochs):
        for batch in loader:
            one, two = (model(part.to(device)) for part in cast(Sequence[Tensor], batch))
            loss = criterion(one, two)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
        schedule.step()
