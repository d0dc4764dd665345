"""The commands that a run's processes are started with."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

from catalog.gangs import Member
from worker.part_process import PartProcess
from worker.reach import LOCAL, interface_of

# Of the rendezvous, in seconds: who has not come by then is not coming, and the gang is formed again.
MEET_WITHIN_S = 120


def can_train() -> bool:
    """Whether the extra `train` is installed. Loads none of it."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "torchvision", "lightly", "onnx"))


def train_alone(plan: Path) -> list[str]:
    """One process trains."""
    return [sys.executable, "-P", "-m", "encoder.train", "--plan", str(plan)]


def train_ranked(plan: Path, member: Member, *, endpoint: str, address: str) -> list[str]:
    """One rank of several, each started on its own host by a torchrun; they meet at `endpoint`, on the first's."""
    return [
        sys.executable,
        "-P",
        "-m",
        "torch.distributed.run",
        f"--nnodes={member.size}",
        "--nproc-per-node=1",
        "--max-restarts=0",  # the gang is formed again instead
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint={endpoint}",
        f"--rdzv-id=ruiji-{member.run_id}-{member.gang}",  # those of an earlier gang do not meet these
        f"--rdzv-conf=is_host={int(member.rank == 0)},join_timeout={MEET_WITHIN_S},timeout={MEET_WITHIN_S}",
        f"--local-addr={address}",
        "-m",
        "worker.part",
        PartProcess.CODE,
        "--plan",
        str(plan),
    ]


def environment(*, device: str, address: str) -> Mapping[str, str]:
    """`device` is that of the worker: its processes see no other GPU. Ranks talk through the address's interface."""
    said = {}
    if device == "cpu":
        said["CUDA_VISIBLE_DEVICES"] = ""
    elif device.startswith("cuda:"):
        said["CUDA_VISIBLE_DEVICES"] = device.removeprefix("cuda:")
    if (interface := interface_of(address)) is not None:
        said["GLOO_SOCKET_IFNAME"] = interface
        if address != LOCAL:
            said["NCCL_SOCKET_IFNAME"] = interface
    return said


def finish(run: Path) -> list[str]:
    """Turn the last checkpoint of a run into its encoder folder, measured."""
    return [sys.executable, "-P", "-m", "encoder.finish", str(run)]
