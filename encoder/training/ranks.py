"""The processes that train together: which one this is, and the few things that they agree upon."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

# A rank that is silent for this long is taken for lost: all end, and the run goes on from its checkpoint.
SILENCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Ranks:
    """This process is number `rank` of `size`; `control` is a group for words between CPUs, None when alone."""

    rank: int = 0
    size: int = 1
    control: Any = None

    @property
    def first(self) -> bool:
        """Whether this one writes."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """This rank's share of `count` things of the whole batch."""
        share = count // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def any(self, flag: bool) -> bool:
        """Whether one of them says so; all have to ask at the same step."""
        if self.size == 1:
            return flag
        told = torch.tensor([int(flag)])
        dist.all_reduce(told, op=dist.ReduceOp.MAX, group=self.control)
        return bool(told)

    def same(self, *numbers: int) -> bool:
        """Whether all of them say the same numbers."""
        if self.size == 1:
            return True
        least, most = torch.tensor(numbers), torch.tensor(numbers)
        dist.all_reduce(least, op=dist.ReduceOp.MIN, group=self.control)
        dist.all_reduce(most, op=dist.ReduceOp.MAX, group=self.control)
        return bool(torch.equal(least, most))

    def mean(self, value: Tensor) -> Tensor:
        """Mean over the ranks, on each."""
        if self.size == 1:
            return value
        total = value.detach().clone()
        dist.all_reduce(total)
        return total / self.size


def join(device: torch.device) -> tuple[Ranks, torch.device]:
    """This process's place among those that torchrun has started, and its own device; alone without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Ranks(), device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=SILENCE)
    return Ranks(dist.get_rank(), size, dist.new_group(backend="gloo", timeout=SILENCE)), device


def leave(ranks: Ranks) -> None:
    """Say goodbye to the others."""
    if ranks.size > 1:
        dist.destroy_process_group()
