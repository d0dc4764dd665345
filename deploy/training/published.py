"""Weights that torchvision publishes, by name: fetched once into the home folder, checked, and then a file like any."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from deploy.training.errors import NoTraining
from encoder.architecture import Backbone
from ingest.public.download import Archive, Progress, SourceUnreachable, download

BY_NAME = "torchvision:"
FOLDER = "weights"  # in the home folder


def published(name: str) -> Archive:
    """Where torchvision has the newest weights of `torchvision:BACKBONE`. Raises NoTraining for an unknown one."""
    backbone = name.removeprefix(BY_NAME)
    if backbone not in get_args(Backbone):
        known = ", ".join(BY_NAME + one for one in get_args(Backbone))
        raise NoTraining(f"{name} is no name of weights: give one of {known}, an encoder folder, or a file")
    from torchvision.models import get_model_weights  # loads torch

    url = get_model_weights(backbone).DEFAULT.url
    # torch.hub's rule: a file's name ends in the first digits of its SHA-256.
    return Archive(url, "sha256", url.rpartition("-")[2].removesuffix(".pth"))


def start_path(given: str, *, home: Path, progress: Progress | None = None) -> Path:
    """The encoder folder or file of weights that is meant. Raises NoTraining and ArchiveDamaged."""
    if not given.startswith(BY_NAME):
        path = Path(given).expanduser()
        if not path.exists():
            raise NoTraining(f"{path} is missing: give an encoder folder, a file of weights, or {BY_NAME}resnet18")
        return path
    archive = published(given)
    try:
        return download(archive, home / FOLDER, progress=progress)
    except SourceUnreachable as error:
        raise NoTraining(
            f"{given} cannot be fetched ({error}): fetch it on a machine that can, and give --start-from the file"
        ) from error
