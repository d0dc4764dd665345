"""One optimisation step: two views of every picture, one forward, the loss, one update."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from encoder.methods.choice import build_method
from encoder.methods.method import trainable
from encoder.model import SimCLR
from encoder.training.config import TrainConfig
from encoder.training.device import uses_bfloat16
from encoder.training.optimisers import build_optimiser
from encoder.training.ranks import Ranks
from encoder.training.synced import with_synced_norms
from encoder.view_config import ViewConfig
from encoder.view_draws import draw_views
from encoder.views import block_of, make_views

ALONE = Ranks()


class Step:
    """Trains `model`, which is on `device`, by one batch at a time.

    `statistics` are mean and deviation of the pictures' channels in [0, 1]. `draws` decides every random number and
    lives on the CPU whatever the device; it says the same on every rank, for the whole batch.
    """

    def __init__(
        self,
        model: SimCLR,
        config: TrainConfig,
        *,
        views: ViewConfig,
        statistics: tuple[tuple[float, ...], tuple[float, ...]],
        device: torch.device,
        draws: torch.Generator,
        ranks: Ranks = ALONE,
    ) -> None:
        self._views, self._device, self._ranks, self.draws = views, device, ranks, draws
        self._bfloat16 = uses_bfloat16(config, device)
        self._side = model.architecture.input_size
        self._mean, self._std = (torch.tensor(values, device=device) for values in statistics)
        together = ranks.size > 1
        if together:
            with_synced_norms(model, device)
        self.method = build_method(config, model, device=device, gather=together)
        if together:
            with_synced_norms(self.method, device)
        self.network = self.method.network(trainable(model, device))
        self.optimiser = build_optimiser(config, self.network, device=device)
        if together:
            # The norms hold the same on every rank already.
            self.network = DistributedDataParallel(self.network, broadcast_buffers=False)
        share = config.batch_size // ranks.size
        self._both = torch.empty(2 * share, 3, self._side, self._side, device=device).contiguous(
            memory_format=torch.channels_last
        )

    def __call__(self, pictures: Tensor, *, learning_rate: float, share_done: float = 0.0) -> tuple[Tensor, Tensor]:
        """(n, h, w, 3) uint8 on the device -> loss (a scalar there) and the network's outputs of the first views."""
        return self.update(self.make_both_views(pictures), learning_rate=learning_rate, share_done=share_done)

    def make_both_views(self, pictures: Tensor) -> Tensor:
        """This rank's (n, h, w, 3) uint8 -> (2n, 3, size, size), the second views behind the first.

        The next call overwrites it.
        """
        count, side = len(pictures), pictures.shape[1]
        whole, mine = count * self._ranks.size, self._ranks.part(count * self._ranks.size)
        both = self._both[: 2 * count]
        block = block_of(self._device)
        one, two = (
            draw_views(whole, self._views, side=side, generator=self.draws, block=block).part(mine.start, mine.stop)
            for _ in range(2)
        )
        draws = one.followed_by(two)
        return make_views(pictures, draws, size=self._side, mean=self._mean, std=self._std, out=both)

    def update(self, both: Tensor, *, learning_rate: float, share_done: float = 0.0) -> tuple[Tensor, Tensor]:
        """One forward and backward of ready views, and the optimiser's step; `share_done` of the run, 0 to 1."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        # Both views go through the network as one batch: one forward, and batch norm sees them together.
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._bfloat16):
            outputs = self.network(both)
            targets = self.method.targets(both, draws=self.draws)
        outputs = outputs.float()
        loss = self.method.loss(outputs, targets)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimiser.step()
        self.method.after_step(share_done=share_done)
        return loss.detach(), outputs[: len(both) // 2].detach()
