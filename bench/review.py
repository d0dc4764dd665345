"""`ruiji bench review`: how many planted wrong labels are found in the first N looks at a label's images.

Among CIFAR-10's test photos, every class in turn is a label, into which wrong images were put: 5 % of it, drawn from
all other classes, or from the class nearest to it, which is what people mix up. The other images carry their own labels
or none. Small labels, of a few images of a class, are measured apart. Each order is made once and looked at from its
start; in the product it gets better on the way.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from bench.label_pool import Pool, cifar_pool, folder_pool
from bench.record import RESULTS, publish
from bench.review_orders import ORDERS
from curate.review_others import OF_LABELS, OTHERS
from curate.suspects import NONE_KNOWN, Others
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder

FIRST_SEED = 1000
SHARE = 0.05
SMALL = (30, 100)  # images of the class that a small label has
LOOKS = (60, 120, 240)
Booleans = np.ndarray[Any, np.dtype[np.bool_]]
Places = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Case:
    """One label with wrong images in it: from the nearest class or any; whether all other images are labelled.

    `size`: how many of the class it has, None for all of them.
    """

    target: int
    seed: int
    nearest: bool
    labelled: bool
    size: int | None = None


@dataclass(frozen=True)
class Outcome:
    """Which places (n,) of an order held a wrong image, and how long it took to make."""

    case: Case
    wrong: Booleans
    seconds: float

    def found(self, looks: int) -> float:
        """The share of the wrong images among the first `looks`."""
        return float(self.wrong[:looks].sum() / self.wrong.sum())

    def looks_for(self, share: float) -> float:
        """The part of the label that is looked at until this share of the wrong ones was found."""
        wanted = int(np.ceil(share * self.wrong.sum()))
        return float((np.flatnonzero(self.wrong)[wanted - 1] + 1) / len(self.wrong))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench review", description=__doc__)
    parser.add_argument("--encoder", type=Path, default=SHIPPED, help="encoder folder (default: the shipped one)")
    parser.add_argument("--from", dest="local", type=Path, help="a copy of CIFAR-10's archive, or its folder")
    parser.add_argument("--folder", type=Path, help="plant in this folder of class folders instead, such as imagenette")
    parser.add_argument("--seeds", type=int, default=3, help="labels per class, kind of mistake and surroundings")
    parser.add_argument("--share", type=float, default=SHARE, help="part of the label that is wrong")
    parser.add_argument("--small", type=int, nargs="*", default=SMALL, help="sizes of small labels, measured apart")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for review.json")
    chosen = parser.parse_args(argv)
    embedder = Embedder.load(chosen.encoder)
    pool = folder_pool(chosen.folder, embedder) if chosen.folder else cifar_pool(chosen.local, embedder)
    asked = list(cases(len(pool.names), chosen.seeds))
    outcomes = look_at(pool, asked, share=chosen.share)
    small = {
        size: look_at(pool, [dataclasses.replace(case, size=size) for case in asked], share=chosen.share)
        for size in chosen.small
    }
    publish(
        "review",
        {
            **figures(outcomes["ours"]),
            "times_random": ratio(outcomes),
            "by_mistake": {
                name: by_order(outcomes, nearest=nearest) for name, nearest in {"any": False, "nearest": True}.items()
            },
            "by_order": by_order(outcomes),
            "by_surroundings": {
                name: figures([one for one in outcomes["ours"] if one.case.labelled == labelled])
                for name, labelled in {"labelled": True, "unlabelled": False}.items()
            },
            "by_size": {str(size): by_order(found) for size, found in small.items()},
            "by_class": {
                name: figures([one for one in outcomes["ours"] if one.case.target == target])
                for target, name in enumerate(pool.names)
            },
        },
        folder=chosen.out,
        engine=f"{embedder.engine} {embedder.precision}",
        encoder=embedder.info.id[:16],
        images=len(pool.classes),
        share_wrong=chosen.share,
        seeds=[FIRST_SEED, FIRST_SEED + chosen.seeds],
        labels=len(asked),
        data=chosen.folder.name if chosen.folder else "CIFAR-10 test photos",
    )
    return 0


def cases(classes: int, seeds: int) -> Iterator[Case]:
    """Every class with both kinds of mistake, among labelled and unlabelled images."""
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for nearest in (False, True):
            for labelled in (True, False):
                yield from (Case(target, seed, nearest, labelled) for target in range(classes))


def look_at(pool: Pool, asked: Sequence[Case], *, share: float) -> dict[str, list[Outcome]]:
    """Every order's outcomes, in the order of the cases."""
    looked = [look(pool, case, share=share) for case in asked]
    return {name: [outcomes[name] for outcomes in looked] for name in ORDERS}


def look(pool: Pool, case: Case, *, share: float) -> dict[str, Outcome]:
    """Every order's outcome for one label; the wrong images and the others are the same for all of them."""
    rng = np.random.default_rng([case.seed, case.target, case.nearest, case.labelled])
    own = np.flatnonzero(pool.classes == case.target)
    if case.size is not None:
        own = rng.choice(own, min(case.size, len(own)), replace=False)
    sources = np.flatnonzero(pool.classes != case.target)
    if case.nearest:
        sources = np.flatnonzero(pool.classes == nearest_class(pool, case.target))
    planted = rng.choice(sources, min(len(sources), max(1, round(share * len(own) / (1 - share)))), replace=False)
    members = np.sort(np.concatenate([own, planted]))
    wrong = np.isin(members, planted)
    others = surroundings(pool, members, target=case.target, labelled=case.labelled, rng=rng)
    outcomes = {}
    for name, way in ORDERS.items():
        started = time.perf_counter()
        scores = way.scores(pool.vectors[members], others, np.random.default_rng([case.seed, case.target]))
        seconds = time.perf_counter() - started
        outcomes[name] = Outcome(case, wrong[np.argsort(scores, kind="stable")], seconds)
    return outcomes


def nearest_class(pool: Pool, target: int) -> int:
    """The class whose mean is most like that of the target."""
    means = np.stack([pool.vectors[pool.classes == one].mean(axis=0) for one in range(len(pool.names))])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    alike = means @ means[target]
    alike[target] = -np.inf
    return int(alike.argmax())


def surroundings(pool: Pool, members: Places, *, target: int, labelled: bool, rng: np.random.Generator) -> Others:
    """As many other images as the product reads: with another label, as many of each; else any, with none.

    What is of the class and not in the label is among them as an image without a label.
    """
    outside = np.setdiff1d(np.arange(len(pool.classes)), members)
    rng.shuffle(outside)
    if not labelled:
        rows = outside[:OTHERS]
        return Others(pool.vectors[rows], np.full(len(rows), NONE_KNOWN, np.int64))
    each = OF_LABELS // len(pool.names)
    rivals = [one for one in range(len(pool.names)) if one != target]
    of_labels = np.concatenate([outside[pool.classes[outside] == one][:each] for one in rivals])
    more = np.setdiff1d(outside, of_labels)
    more = rng.choice(more, min(len(more), OTHERS - len(of_labels)), replace=False)
    rows = np.concatenate([of_labels, more])
    labels = np.concatenate([pool.classes[of_labels], np.full(len(more), NONE_KNOWN)])
    return Others(pool.vectors[rows], labels.astype(np.int64))


def by_order(outcomes: dict[str, list[Outcome]], *, nearest: bool | None = None) -> dict[str, Any]:
    """Every order's figures, of one kind of mistake or of both."""
    return {
        name: figures([one for one in found if nearest is None or one.case.nearest == nearest])
        for name, found in outcomes.items()
    }


def figures(outcomes: list[Outcome]) -> dict[str, float]:
    """Means over labels: shares of the wrong images, parts of the label, and milliseconds."""
    return {
        **{f"found_in_first_{looks}": fmean(one.found(looks) for one in outcomes) for looks in LOOKS},
        "found_in_first_tenth": fmean(one.found(round(len(one.wrong) / 10)) for one in outcomes),
        "looks_for_half": fmean(one.looks_for(0.5) for one in outcomes),
        "looks_for_nine_tenths": fmean(one.looks_for(0.9) for one in outcomes),
        "ms": 1000 * fmean(one.seconds for one in outcomes),
    }


def ratio(outcomes: dict[str, list[Outcome]]) -> float:
    """How many times as many wrong images as in random order are among the first 60."""
    return fmean(one.found(LOOKS[0]) for one in outcomes["ours"]) / fmean(
        LOOKS[0] / len(one.wrong) for one in outcomes["random"]
    )


if __name__ == "__main__":
    raise SystemExit(main())
