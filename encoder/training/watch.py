"""Stops a run that has gone wrong, with the reason and what to do: no number any more, collapsed, out of memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from encoder.training.config import TrainConfig
from encoder.training.errors import TrainingError

# Vectors that are spread over all directions of a sphere in d dimensions have a deviation of 1 / sqrt(d) each way
# (SimSiam, arXiv 2011.10566, section 4.1); collapsed ones have 0.
COLLAPSED_SHARE = 0.1
COLLAPSED_EPOCHS = 3


class Watch:
    """Looks at the figures of a run; `collapsed` is for how many epochs in a row its vectors have been alike."""

    def __init__(self, config: TrainConfig, *, collapsed: int = 0) -> None:
        self._config, self.collapsed = config, collapsed

    def loss(self, loss: float, *, epoch: int) -> None:
        """Raise TrainingError when the loss is no number."""
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} in epoch {epoch}",
                f"lower --base-learning-rate, which is {self._config.base_learning_rate}, and begin a new run",
            )

    def spread(self, deviation: float, *, epoch: int) -> None:
        """Raise TrainingError when the projections have been almost the same for all pictures for several epochs."""
        healthy = 1 / math.sqrt(self._config.projection_dimension)
        self.collapsed = self.collapsed + 1 if deviation < COLLAPSED_SHARE * healthy else 0
        if self.collapsed >= COLLAPSED_EPOCHS:
            raise TrainingError(
                f"collapsed: all pictures get almost the same vector (deviation {deviation:.5f}, healthy is about "
                f"{healthy:.3f}) for {self.collapsed} epochs, the last is {epoch}",
                "lower --base-learning-rate, take a larger --batch-size, or the method simclr; check that the pictures"
                " differ",
            )


@contextmanager
def memory_watched(config: TrainConfig) -> Iterator[None]:
    """Turns what torch says when memory runs out into a TrainingError."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        ours = isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
        if not ours:
            raise
        what = "GPU memory" if isinstance(error, torch.OutOfMemoryError) else "memory"
        raise TrainingError(
            f"the {what} does not hold a batch of {config.batch_size} pictures of {config.size} px with"
            f" {config.backbone}, stem {config.stem}",
            f"try --batch-size {max(2, config.batch_size // 2)}, a smaller --size or another --stem",
        ) from error
