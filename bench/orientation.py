"""`ruiji bench orientation`: what a query costs that lies on its side, stands on its head or is mirrored.

Precision@10 of CIFAR-10's test photos asked upright and turned, itself left out, with and without the option "any way
up": how much of what the turn costs it wins back, for vehicles and animals apart. Beside it, the two usual fusions of
the same eight views: their mean as one query, and the best score of any. Then the price: the same uploads with and
without the option in turn, over HTTP on the running stack with the 10,000 photos.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.precision import K, cifar
from bench.query import pictures
from bench.record import RESULTS, ROOT, publish
from bench.running import running
from catalog.ways_up import NEAREST, WAYS, WayUp, nearest_way, turned
from deploy.encoder_setup import SHIPPED
from encoder.embed import Embedder
from ingest.public import demo
from ingest.public.cifar10 import LABELS
from ingest.transform import squares

VEHICLES = ("airplane", "automobile", "ship", "truck")
TURNS = {
    "upright": WayUp(0, False),
    "turned_90": WayUp(90, False),
    "turned_180": WayUp(180, False),
    "mirrored": WayUp(0, True),
}
FUSIONS = ("any_way_up", "mean", "best_score")
AT_ONCE = 250  # queries: their similarities in eight ways take 80 MB
NOTHING = 0.005  # a turn that costs less of the precision leaves nothing to be won back that could be told from chance

Floats = npt.NDArray[np.float32]
Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """Precision@10 of each query (n,): as it came, by how it was turned before; and by each fusion of its eight views.

    Turning a picture only changes the order of its views (a test shows that), so the fusions are the same for each.
    """

    plain: dict[str, Shares]
    fused: dict[str, Shares]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 0."""
    parser = argparse.ArgumentParser(prog="ruiji bench orientation", description=__doc__)
    parser.add_argument("--encoder", type=Path, default=SHIPPED, help="encoder folder (default: the shipped one)")
    parser.add_argument("--from", dest="local", type=Path, help="a copy of CIFAR-10's archive, or its folder")
    parser.add_argument("--photos", type=Path, default=ROOT / ".demo" / "photos", help="what `ruiji data demo` wrote")
    parser.add_argument("--queries", type=int, default=2000, help="photos that ask")
    parser.add_argument("--uploads", type=int, default=300, help="searches with and without; 0 leaves the price out")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for orientation.json")
    chosen = parser.parse_args(argv)
    photos = cifar("test_batch", chosen.local)
    embedder = Embedder.load(chosen.encoder)
    found = measure(embedder, squares(photos.pictures, size=embedder.input_size), photos.labels, queries=chosen.queries)
    if chosen.uploads:
        found |= price(demo.fetch(chosen.photos.absolute()).folder, uploads=chosen.uploads)
    publish(
        "orientation",
        found,
        folder=chosen.out,
        engine=f"{embedder.engine} {embedder.precision}",
        encoder=embedder.info.id[:16],
        input_size=embedder.input_size,
        queries=chosen.queries,
        uploads=chosen.uploads,
        data="CIFAR-10 test photos among one another; the price with the shipped encoder",
    )
    return 0


def measure(
    embedder: Embedder, photos: npt.NDArray[np.uint8], labels: npt.NDArray[Any], *, queries: int
) -> dict[str, Any]:
    """The figures of precision for all queries, vehicles and animals."""
    bank = embedder.embed(photos)
    rows = np.random.default_rng(0).permutation(len(photos))[:queries]
    vehicles = np.isin(labels[rows], [LABELS.index(name) for name in VEHICLES])
    groups = {"all": np.ones(len(rows), dtype=bool), "vehicles": vehicles, "animals": ~vehicles}
    asked = ask(embedder, photos, bank, labels, rows=rows)
    return {group: {name: figures(asked, name, chosen) for name in TURNS} for group, chosen in groups.items()}


def ask(
    embedder: Embedder,
    photos: npt.NDArray[np.uint8],
    bank: Floats,
    labels: npt.NDArray[Any],
    *,
    rows: npt.NDArray[np.int64],
) -> Asked:
    """Ask by the photos of these rows in each way up; the photo itself is no answer."""
    plain: dict[str, list[Shares]] = {name: [] for name in TURNS}
    fused: dict[str, list[Shares]] = {name: [] for name in FUSIONS}
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        right = counter(labels, part)
        views = np.stack([embedder.embed(batch_turned(photos[part], way)) for way in WAYS], axis=1)
        scores = views @ bank.T  # (n, 8, photos)
        scores[np.arange(len(part)), :, part] = -1.0
        nearest = np.partition(scores, -NEAREST, axis=-1)[..., -NEAREST:]
        for name, turn in TURNS.items():
            plain[name].append(right(scores[:, WAYS.index(turn)]))
        fused["any_way_up"].append(right(scores[np.arange(len(part)), nearest_way(nearest)]))
        fused["mean"].append(right(scores.mean(axis=1)))
        fused["best_score"].append(right(scores.max(axis=1)))
    plain_of, fused_of = ({name: np.concatenate(some) for name, some in one.items()} for one in (plain, fused))
    return Asked(plain_of, fused_of)


def batch_turned(photos: npt.NDArray[np.uint8], way: WayUp) -> npt.NDArray[np.uint8]:
    return np.stack([turned(photo, way) for photo in photos])


def counter(labels: npt.NDArray[Any], rows: npt.NDArray[np.int64]) -> Callable[[Floats], Shares]:
    """From scores (n, photos) to the share of the K nearest that have the label of the row's photo (n,)."""

    def right(scores: Floats) -> Shares:
        nearest = np.argpartition(-scores, K - 1, axis=1)[:, :K]
        return np.asarray((labels[nearest] == labels[rows, None]).mean(axis=1))

    return right


def figures(asked: Asked, turn: str, chosen: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Precision of these queries, what the turn costs, and the share of it that each fusion wins back.

    None is won back of a turn that costs nothing.
    """
    plain = float(asked.plain[turn][chosen].mean())
    fused = {name: float(values[chosen].mean()) for name, values in asked.fused.items()}
    cost = float(asked.plain["upright"][chosen].mean()) - plain
    won = {name: (value - plain) / cost for name, value in fused.items()} if cost > NOTHING else None
    return {"plain": plain, **fused, "cost": cost, "won_back": won}


def price(photos: Path, *, uploads: int) -> dict[str, Any]:
    """Median milliseconds of a search without and with the option, in turn, and their ratio."""
    asked = pictures(photos / "labelled", seed=3)
    times: dict[bool, list[float]] = {False: [], True: []}
    with TemporaryDirectory(prefix="ruiji-bench-") as scratch:
        home = Path(scratch).resolve() / "home"
        with running(home, allowed=[photos]) as (stack, _):
            stack.wait(stack.start_ingest(photos / "unlabelled"))
            for number in range(uploads + 20):
                for option in (False, True):
                    took, _answer = stack.upload(next(asked), k=60, any_way_up=option)
                    if number >= 20:  # kernels, caches and connections first
                        times[option].append(took)
    without, with_option = statistics.median(times[False]), statistics.median(times[True])
    return {"p50_ms": without, "any_way_up_p50_ms": with_option, "latency_ratio": with_option / without}
