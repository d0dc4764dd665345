"""Presets of training: a network, a method and its values for a kind of pictures and machine. Loads no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from encoder.training.config import TrainConfig
from encoder.training.errors import TrainingError
from encoder.training.plan import Plan
from encoder.view_config import ViewConfig

# SimCLR's for ImageNet (arXiv 2002.05709, appendix A): strength 1, crops from 8 % of the area, half of them blurred.
PHOTO_VIEWS = ViewConfig(
    crop_scale=(0.08, 1.0), brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, grayscale=0.2, blur=0.5
)


@dataclass(frozen=True)
class Preset:
    """Everything of a run but its pictures."""

    summary: str  # what it is for, in a sentence
    config: TrainConfig
    views: ViewConfig = field(default_factory=ViewConfig)
    keep_epochs: tuple[int, ...] = ()


PRESETS: Mapping[str, Preset] = {
    "quick-cpu": Preset(
        "Minutes on two CPU cores: small pictures, a light network; clearly better than random weights.",
        TrainConfig(
            method="dcl",  # needs neither large batches nor many epochs (arXiv 2110.06848, abstract)
            stem="small-pool4",  # 24 times less work than the plain 3x3 stem: encoder/architecture.py
            size=32,
            epochs=12,  # kNN 0.447 where 7 gave 0.436 and random weights 0.311: docs/TRAINING.md
            batch_size=128,  # at 10,000 photos the number of steps is what is short
            base_learning_rate=0.3,  # SimCLR, section 2.3
            temperature=0.2,  # our choice, as the shipped encoder's
        ),
    ),
    "cifar10": Preset(
        "Pictures of 32 pixels on a GPU: what the shipped encoder was trained with.",
        # encoder/shipped/config.json: kNN 0.858 after 185 epochs, 8 minutes on one H100.
        TrainConfig(
            method="dcl",
            stem="small",
            size=32,
            epochs=185,
            batch_size=512,
            base_learning_rate=0.3,
            weight_decay=3e-4,
            warmup_share=0.05,
            temperature=0.2,
        ),
    ),
    "stl10-blog": Preset(
        "STL-10 as in the study that Ruiji grew from: SimCLR, 800 epochs, checkpoints of four of them kept.",
        TrainConfig(
            method="simclr",  # NT-Xent, batch 512, 800 epochs, 96 px: the study's
            stem="imagenet",
            size=96,
            epochs=800,
            batch_size=512,
            # The study does not tell these: SimCLR's (section 2.3; temperature: B.9), MoCo's weight decay.
            base_learning_rate=0.3,
            weight_decay=1e-4,
            warmup_share=0.0125,  # 10 epochs: SimCLR, section 2.3
            temperature=0.5,
        ),
        # Half of the strength of jitter that SimCLR takes for ImageNet, as for small pictures in its appendix B.9.
        ViewConfig(blur=0.5),
        keep_epochs=(131, 314, 677, 800),  # the epochs that the study compares
    ),
    "stl10-best": Preset(
        "STL-10 for the best result: 64-pixel pictures behind a 3x3 stem.",
        # Stem with its max-pool and 64 px are those of Mixed Barlow Twins (arXiv 2312.02151; ResNet-18, linear 91.0 %,
        # the best that we know); the rest is the shipped encoder's, which was measured here. Not run to its end yet.
        TrainConfig(
            method="dcl",
            stem="small-pool2",
            size=64,
            epochs=800,
            batch_size=512,
            base_learning_rate=0.3,
            weight_decay=3e-4,
            warmup_share=0.0125,  # 10 epochs: SimCLR, section 2.3
            temperature=0.2,
        ),
        ViewConfig(blur=0.5),  # SimCLR's for all but CIFAR-10 (appendix A)
    ),
    "photos": Preset(
        "Ordinary photos at 128 pixels on a GPU.",
        TrainConfig(
            method="dcl",
            stem="imagenet",  # 7x7: made for large pictures
            size=128,
            epochs=200,  # MoCo v2 and most others compare at 200 on ImageNet (arXiv 2003.04297, table 1)
            batch_size=256,  # DCL's own for ImageNet at 200 epochs (arXiv 2110.06848, abstract)
            base_learning_rate=0.3,
            weight_decay=1e-4,  # MoCo v2
            warmup_share=0.05,  # 10 epochs: SimCLR, section 2.3
            temperature=0.1,  # SimCLR's best on ImageNet (table 5)
        ),
        PHOTO_VIEWS,
    ),
}
DEFAULT = "quick-cpu"

_CONFIG = TypeAdapter(TrainConfig)


def plan_of(
    preset: str, *, name: str, pictures: str, changes: Mapping[str, object] | None = None, data: str = ""
) -> Plan:
    """The plan of a run with a preset; `changes` are fields of its configuration. Raises TrainingError."""
    if preset not in PRESETS:
        raise TrainingError(f"there is no preset {preset!r}", f"choose one of {', '.join(PRESETS)}")
    chosen = PRESETS[preset]
    try:
        config = _CONFIG.validate_python({**dataclasses.asdict(chosen.config), **(changes or {})})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TrainingError(f"{where}: {first['msg']}".removeprefix(": ")) from error
    return Plan(
        name=name,
        pictures=pictures,
        config=config,
        views=chosen.views,
        preset=preset,
        data=data,
        keep_epochs=chosen.keep_epochs,
    )
