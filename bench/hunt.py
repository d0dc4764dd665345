"""`ruiji bench hunt`: how long a person waits for the next page of a hunt, and for a bulk confirm to be durable.

Over HTTP on the running stack: first the 10,000 test photos of CIFAR-10, ingested as a person would; then as many more
images as make 100,000, whose vectors are those of the photos with noise (bench/filler.py). What is hunted is the tenth
of all images that lies nearest to a point, blurred at its edge, so that pages turn bad as those of a class do. A wait
is from the decisions of one page until the next page was parsed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.filler import Ids, Vectors, fill, noisy
from bench.query import catalog, embedded
from bench.record import RESULTS, ROOT, publish
from bench.running import Running, running
from ingest.public import demo

SHARE = 0.1  # of the images that are hunted
BLUR = 0.03  # of a cosine, at the edge of what is hunted
ROUNDS = 3
WARM_STEPS = 5
BULK = 10_000


@dataclass
class Waits:
    """Milliseconds of each step after the first few: the whole wait, and the two requests that it is made of."""

    both: list[float] = field(default_factory=list)
    decide: list[float] = field(default_factory=list)
    step: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Named as the measurements contract names them."""
        p50, p95, p99 = np.percentile(self.both, [50, 95, 99])
        return {
            "next_page_p50_ms": float(p50),
            "next_page_p95_ms": float(p95),
            "next_page_p99_ms": float(p99),
            "decide_p50_ms": float(np.median(self.decide)),
            "step_p50_ms": float(np.median(self.step)),
            "stages_ms": {name: float(np.median(values)) for name, values in self.stages.items()},
            "pages": len(self.both),
            "steps": self.kinds,
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench hunt", description=__doc__)
    parser.add_argument("--photos", type=Path, default=ROOT / ".demo" / "photos", help="what `ruiji data demo` wrote")
    parser.add_argument("--steps", type=int, default=60, help="steps of each of the hunts, three for each size")
    parser.add_argument("--vectors", type=int, default=100_000, help="size of the larger index; 0 leaves it out")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for hunt.json")
    chosen = parser.parse_args(argv)
    photos = demo.fetch(chosen.photos.absolute()).folder
    with TemporaryDirectory(prefix="ruiji-bench-") as scratch:
        room = Path(scratch).resolve()
        with running(room / "home", allowed=[photos, room]) as (stack, _):
            stack.wait(stack.start_ingest(photos / "unlabelled"))
            figures = measured(stack, room / "home", steps=chosen.steps)
        if chosen.vectors:
            with catalog(room / "home") as (ledger, store, encoder):
                ids, vectors = embedded(ledger, store, encoder)
                more = noisy(vectors, chosen.vectors - len(ids), seed=2)
                job = fill(ledger, store, encoder=encoder, vectors=more, root=room / "none")
            with running(room / "home", allowed=[photos, room]) as (stack, _):
                stack.wait(job)
                figures[f"at_{chosen.vectors}"] = measured(stack, room / "home", steps=chosen.steps)
    publish(
        "hunt",
        figures,
        folder=chosen.out,
        engine="milvus-lite, SQLite, Valkey, all embedded",
        vectors=[10_000, chosen.vectors],
        larger_index="vectors of the 10,000 photos with noise of half their length, written as shards",
        repetitions=ROUNDS,
    )
    return 0


def measured(stack: Running, home: Path, *, steps: int) -> dict[str, Any]:
    """Hunts for different things, one after the other, then a confirm of many images at once and the page after it."""
    with catalog(home) as (ledger, store, encoder):
        ids, vectors = embedded(ledger, store, encoder)
    waits = Waits()
    for number in range(ROUNDS):
        hunt(stack, ids, vectors, waits, steps=steps, seed=number)
    return {**waits.figures(), **bulk_confirm(stack, ids)}


def hunt(stack: Running, ids: Ids, vectors: Vectors, waits: Waits, *, steps: int, seed: int) -> None:
    """One hunt from one example, answered by the truth, until `steps` were taken or nothing is left."""
    random = np.random.default_rng([seed, len(ids)])
    start = int(random.integers(len(ids)))
    nearness = vectors @ vectors[np.argsort(-(vectors @ vectors[start]))[:50]].mean(axis=0)
    blurred = nearness + random.normal(scale=BLUR, size=len(ids))
    wanted = set(ids[blurred >= np.quantile(blurred, 1 - SHARE)].tolist())
    label = f"wanted {len(ids)} {seed}"
    begun = stack.post("/api/v1/hunts", {"label": label, "examples": [{"image_id": int(ids[start])}]})
    path = f"/api/v1/hunts/{begun['id']}"
    step = stack.post(f"{path}/step", {})
    for number in range(steps):
        if step["kind"] == "end":
            return
        started = time.perf_counter()
        key = f"bench-{begun['id']}-{number}"
        if step["kind"] == "accept":
            answer = {"key": key, "token": step["token"], "accept": True}
            stack.post(f"{path}/accept", answer)
        else:
            shown = [int(one["image_id"]) for one in step["results"]]
            yes = [one for one in shown if one in wanted]
            no = [one for one in shown if one not in wanted]
            stack.post(f"{path}/decisions", {"key": key, "token": step["token"], "yes": yes, "no": no})
        decided = time.perf_counter()
        step = stack.post(f"{path}/step", {})
        ended = time.perf_counter()
        if number >= WARM_STEPS:
            waits.both.append(1000 * (ended - started))
            waits.decide.append(1000 * (decided - started))
            waits.step.append(1000 * (ended - decided))
            waits.kinds[step["kind"]] = waits.kinds.get(step["kind"], 0) + 1
            for name, took in step["took_ms"].items():
                waits.stages.setdefault(name, []).append(took)


def bulk_confirm(stack: Running, ids: Ids) -> dict[str, float]:
    """Seconds until BULK decisions are durable, and milliseconds of a search right after, while the index follows."""
    chosen = [int(one) for one in np.random.default_rng(5).permutation(ids)[: min(BULK, len(ids))]]
    took, after = [], []
    for number in range(ROUNDS):
        body = {"key": f"bulk-{len(ids)}-{number}", "label": f"bulk {number}", "decision": "yes", "image_ids": chosen}
        started = time.perf_counter()
        stack.post("/api/v1/labels/decisions", body)
        took.append(time.perf_counter() - started)
        started = time.perf_counter()
        stack.post("/api/v1/search", {"image_id": chosen[number], "k": 60})
        after.append(1000 * (time.perf_counter() - started))
    return {"confirm_10000_s": float(np.median(took)), "search_after_confirm_ms": float(np.median(after))}
