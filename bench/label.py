"""`ruiji bench label`: how long a person takes to label a class, with our hunt and with other ways, in replay.

A simulated person with the true labels hunts for every class of CIFAR-10's test photos, and for each again among photos
where it is rare, from 1 and from 5 examples, until 90 % of the class are labelled. Every way gets the same examples,
the same person and, but for the blog's one list, the same preselected page; ratios are paired by hunt. What needs a
decision tree (LightlyStudio's random forest) is left out: without scikit-learn it would be our forest, not theirs.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from bench.label_chart import draw_chart
from bench.label_pool import RARE, Pool, cifar_pool, folder_pool
from bench.record import RESULTS, ROOT, publish
from bench.rivals import STRATEGIES
from curate.paging import PAGE
from curate.replay import RECALL, Costs, Outcome, replay
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder

BASE = "plain_topk"
OURS = "ours"
FIRST_SEED = 1000  # the ranker's constants were chosen with seeds below
HELD_OUT = 5  # classes from this one on had no part in choosing the estimate's constants


@dataclass(frozen=True)
class Hunt:
    """One question: which class, from how many examples, with which random numbers, and whether it is rare."""

    target: int
    examples: int
    seed: int
    rare: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, publish, draw; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench label", description=__doc__)
    parser.add_argument("--encoder", type=Path, default=SHIPPED, help="encoder folder (default: the shipped one)")
    parser.add_argument("--from", dest="local", type=Path, help="a copy of CIFAR-10's archive, or its folder")
    parser.add_argument("--folder", type=Path, help="hunt in this folder of class folders instead, such as imagenette")
    parser.add_argument("--seeds", type=int, default=3, help="hunts per class, number of examples and pool")
    parser.add_argument("--page", type=int, default=PAGE, help="tiles on a page")
    parser.add_argument("--key", type=float, default=Costs.key_s, help="seconds for a click or key")
    parser.add_argument("--look", type=float, default=Costs.look_s, help="seconds to look at a tile")
    parser.add_argument("--coverage", type=int, default=300, help="hunts more, of held-out classes, for the estimate")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for label.json")
    parser.add_argument("--chart", type=Path, default=ROOT / "docs" / "label.svg", help="the chart to write")
    chosen = parser.parse_args(argv)
    embedder = Embedder.load(chosen.encoder)
    pool = folder_pool(chosen.folder, embedder) if chosen.folder else cifar_pool(chosen.local, embedder)
    costs = Costs(chosen.key, chosen.look)
    started = time.monotonic()
    hunts = list(questions(len(pool.names), chosen.seeds))
    outcomes = run_all(pool, hunts, costs, page=chosen.page)
    groups: dict[str, Any] = {}
    if (grouped := pool.grouped()) is not None:
        asked = [one for one in questions(len(grouped.names), chosen.seeds) if not one.rare]
        everywhere = list(range(len(asked)))
        groups = summary(
            run_all(grouped, asked, costs, page=chosen.page), asked, everywhere, names=grouped.names, costs=costs
        )
    spread = list(questions_held_out(len(pool.names), chosen.coverage))
    checked = [run(OURS, pool, one, costs, page=chosen.page, until_told=True) for one in spread]
    common = [place for place, one in enumerate(hunts) if not one.rare]
    publish(
        "label",
        {
            **summary(outcomes, hunts, common, names=pool.names, costs=costs),
            **coverage(checked),
            "rare": summary(
                outcomes, hunts, [place for place, one in enumerate(hunts) if one.rare], names=pool.names, costs=costs
            ),
            "groups": groups,
        },
        folder=chosen.out,
        engine=f"{embedder.engine} {embedder.precision}",
        encoder=embedder.info.id[:16],
        images=len(pool.classes),
        recall_to_reach=RECALL,
        page=chosen.page,
        costs=dataclasses.asdict(costs),
        seeds=[FIRST_SEED, FIRST_SEED + chosen.seeds],
        examples=[1, 5],
        rare_share=RARE,
        hunts=len(hunts) * len(STRATEGIES) + len(checked),
        minutes=round((time.monotonic() - started) / 60, 1),
        data=chosen.folder.name if chosen.folder else "CIFAR-10 test photos",
    )
    curves = {name: [outcomes[name][place].moments for place in common] for name in STRATEGIES}
    chosen.chart.write_text(draw_chart(curves, about={name: one.about for name, one in STRATEGIES.items()}))
    return 0


def questions(classes: int, seeds: int) -> Iterator[Hunt]:
    """Every class, common and rare, from 1 and from 5 examples."""
    for rare in (False, True):
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for examples in (1, 5):
                yield from (Hunt(target, examples, seed, rare) for target in range(classes))


def questions_held_out(classes: int, many: int) -> Iterator[Hunt]:
    """Hunts for the held-out classes, as many as asked for."""
    held_out = range(min(HELD_OUT, classes - 1), classes)
    for number in range(many):
        seed, place = divmod(number, len(held_out))
        yield Hunt(held_out[place], (1, 5)[seed % 2], FIRST_SEED + 500 + seed, rare=False)


def run_all(pool: Pool, hunts: Sequence[Hunt], costs: Costs, *, page: int) -> dict[str, list[Outcome]]:
    """Every strategy's outcomes, in the order of the hunts."""
    return {name: [run(name, pool, one, costs, page=page) for one in hunts] for name in STRATEGIES}


def run(name: str, pool: Pool, hunt: Hunt, costs: Costs, *, page: int, until_told: bool = False) -> Outcome:
    """Replay one hunt; the random numbers depend on the hunt and not on the strategy."""
    rng = np.random.default_rng([hunt.seed, hunt.target, hunt.examples, hunt.rare])
    if hunt.rare:
        pool = pool.thinned(hunt.target, rng)
    truth = pool.classes == hunt.target
    start = rng.choice(np.flatnonzero(truth), hunt.examples, replace=False).astype(np.int64)
    strategy = STRATEGIES[name]
    return replay(
        strategy.finder(pool.vectors, rng),
        truth,
        start=start,
        rng=rng,
        costs=strategy.costs(costs),
        jumps=strategy.jumps,
        page=page,
        check=name == OURS,
        until_told=until_told,
    )


def summary(
    outcomes: Mapping[str, list[Outcome]], hunts: list[Hunt], places: list[int], *, names: tuple[str, ...], costs: Costs
) -> dict[str, Any]:
    """The figures of some of the hunts: of ours, by class, and of every strategy."""
    by_strategy = {name: figures(outcomes, name, hunts, places, costs) for name in STRATEGIES}
    by_class = {
        names[target]: figures(
            outcomes, OURS, hunts, [place for place in places if hunts[place].target == target], costs
        )
        for target in sorted({hunts[place].target for place in places})
    }
    by_examples = {
        str(many): figures(outcomes, OURS, hunts, [place for place in places if hunts[place].examples == many], costs)
        for many in sorted({hunts[place].examples for place in places})
    }
    return {
        **by_strategy[OURS],
        "worst_class_ratio": max(one["ratio"] for one in by_class.values()),
        "classes_above_16000_an_hour": [name for name, one in by_class.items() if one["labels_per_hour"] >= 16_000],
        "by_examples": by_examples,
        "by_class": by_class,
        "by_strategy": by_strategy,
    }


def figures(
    outcomes: Mapping[str, list[Outcome]], name: str, hunts: list[Hunt], places: list[int], costs: Costs
) -> dict[str, Any]:
    """Means over classes of medians over hunts, which are paired for the ratio to plain top-k."""

    def over(value: Any) -> float:
        targets = sorted({hunts[place].target for place in places})
        return fmean(median(value(place) for place in places if hunts[place].target == one) for one in targets)

    def plainly(one: Outcome) -> float:
        return (costs.key_s * one.clicks_plainly + costs.look_s * one.looked) / max(1, one.right)

    ours, plain = outcomes[name], outcomes[BASE]
    per_100 = over(lambda place: ours[place].seconds_per_100)
    return {
        "clicks_per_100_labels": over(lambda place: 100 * ours[place].clicks / max(1, ours[place].right)),
        "seconds_per_100_labels": per_100,
        "precision": min(ours[place].precision for place in places),
        "recall": min(ours[place].recall for place in places),
        "failed": sum(ours[place].failed for place in places),
        "labels_per_hour": 360_000 / per_100,
        "jumped": sum(ours[place].jumped for place in places),
        "plain_topk_seconds_per_100_labels": over(lambda place: plain[place].seconds_per_100),
        "ratio": over(lambda place: ours[place].seconds_per_100 / plain[place].seconds_per_100),
        "ratio_all_pages_selected": over(lambda place: plainly(ours[place]) / plainly(plain[place])),
    }


def coverage(outcomes: list[Outcome]) -> dict[str, Any]:
    """How often the estimate's interval held the truth, and how wide it is in recall, for hunts at their end."""
    told = [one for one in outcomes if one.covered is not None]
    widths = [one.estimate.recall[2] - one.estimate.recall[0] for one in told if one.estimate]
    return {
        "estimate_hunts": len(outcomes),
        "estimate_told": len(told),
        "estimate_coverage": fmean(bool(one.covered) for one in told) if told else None,
        "estimate_width": median(widths) if widths else None,
    }
