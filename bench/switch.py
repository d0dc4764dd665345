"""`ruiji bench switch`: encoders promoted and rolled back while processes search; what failed, and what was mixed.

Every score of every answer is computed again from the shards of the encoder that the answer names: an answer whose
question was embedded by one encoder and compared by another would not agree. The second encoder is the folder given by
--encoder, or the first with some weights changed; it is taken in, filled and promoted over the API while the searches
go on, and labels are given.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.other_encoder import different
from bench.pictures import write_jpegs
from bench.query import catalog, embedded
from bench.record import RESULTS, publish
from bench.running import Running, running
from bench.switch_searchers import Answer, Searchers, searching
from catalog.encoders import get_encoder
from catalog.images import places_of

TOLERANCE = 1e-3
LABEL = "given meanwhile"
LABELLED_EACH = 3  # images that get the label after each switch
COPIED_WITHIN_S = 30.0

Vectors = Mapping[int, npt.NDArray[np.float32]]  # by image id


@dataclass(frozen=True)
class Checked:
    """`mixed` answers do not follow from the named encoder's shards; `told_apart` would not have from the other's."""

    searches: int
    failed: int
    mixed: int
    told_apart: int
    scores: int
    largest_difference: float
    by_encoder: dict[str, int]
    first_failure: str


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and publish; 1 if a search failed, was mixed, or a label is missing."""
    parser = argparse.ArgumentParser(prog="ruiji bench switch", description=__doc__)
    parser.add_argument("--switches", type=int, default=12, help="promotions and roll-backs")
    parser.add_argument("--searches", type=int, default=2000, help="searches at least while they are switched")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--encoder", type=Path, help="folder of the second encoder (default: the first one changed)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for switch.json")
    chosen = parser.parse_args(argv)
    with TemporaryDirectory(prefix="ruiji-bench-") as scratch:
        figures = prove(
            Path(scratch).resolve(),
            pictures=chosen.pictures,
            switches=chosen.switches,
            searches=chosen.searches,
            processes=chosen.processes,
            encoder=chosen.encoder,
        )
    second = chosen.encoder.name if chosen.encoder else "the shipped one, some weights changed"
    publish("switch", figures, folder=chosen.out, pictures=chosen.pictures, tolerance=TOLERANCE, second_encoder=second)
    whole = figures["labels_found_by_both"] == figures["labels_given"]
    return int(bool(figures["failed"] or figures["mixed"]) or not whole)


def prove(
    room: Path, *, pictures: int, switches: int, searches: int, processes: int, encoder: Path | None = None
) -> dict[str, Any]:
    """Fill, switch there and back `switches` times under searches, and check all answers."""
    files = write_jpegs(room / "photos", count=pictures, width=96, height=96)
    if encoder is None:
        different(room / "second", "second")
    else:
        copytree(encoder, room / "second")
    home = room / "home"
    with running(home, allowed=[room]) as (stack, _):
        stack.wait(stack.start_ingest(room / "photos"))
        [first] = [row["id"] for row in stack.get("/api/v1/encoders")["encoders"]]
        asked_about = known(home, files)
        started = time.monotonic()
        with searching(room, port=stack.port, home=home, pictures=asked_about, processes=processes) as searchers:
            second = fill(stack, room / "second")
            labelled = iter([image_id for image_id, _ in asked_about])
            given = switch_to_and_fro(stack, second, searchers, switches=switches, searches=searches, images=labelled)
        seconds = time.monotonic() - started
        found = found_by_both(stack, (first, second), example=asked_about[0][0], given=given)
        with catalog(home) as (ledger, store, _serving):
            vectors = {
                one: dict(zip(*as_rows(embedded(ledger, store, get_encoder(ledger, one))), strict=True))
                for one in (first, second)
            }
    done = check(searchers.answers(), vectors)
    return {
        "switches": switches,
        "processes": processes,
        **vars(done),
        "labels_given": len(given),
        "labels_found_by_both": found,
        "seconds": seconds,
    }


def known(home: Path, files: Sequence[Path]) -> tuple[tuple[int, Path], ...]:
    """Image id and file of each picture."""
    with catalog(home) as (ledger, store, encoder):
        ids = embedded(ledger, store, encoder)[0].tolist()
        pairs = []
        for image_id in ids:
            [place] = places_of(ledger, image_id)
            pairs.append((image_id, Path((place.root + b"/" + place.path).decode())))
    if {path for _, path in pairs} != set(files):
        raise RuntimeError(f"{len(files)} pictures were written and {len(pairs)} images came of them")
    return tuple(pairs)


def fill(stack: Running, folder: Path) -> str:
    """Take an encoder in and embed everything with it; its id."""
    second = str(stack.post("/api/v1/encoders", {"path": str(folder)})["id"])
    job = stack.post(f"/api/v1/encoders/{second}/fill", {})["job"]
    stack.wait(int(job))
    return second


def switch_to_and_fro(
    stack: Running, second: str, searchers: Searchers, *, switches: int, searches: int, images: Iterator[int]
) -> frozenset[int]:
    """Promote and roll back in turn, a share of the searches and some labels after each; the images labelled."""
    given: set[int] = set()
    for number in range(switches):
        if number % 2 == 0:
            done = stack.post(f"/api/v1/encoders/{second}/promote", {})
        else:
            done = stack.post("/api/v1/encoders/rollback", {})
        if (done["serving"] == second) != (number % 2 == 0) or done["lack"]:
            raise RuntimeError(f"switch {number + 1} went wrong: {done}")
        ids = list(islice(images, LABELLED_EACH))
        body = {"key": f"meanwhile {number}", "label": LABEL, "decision": "yes", "image_ids": ids}
        stack.post("/api/v1/labels/decisions", body)
        given |= set(ids)
        searchers.wait_for(-(-searches // switches), encoder=done["serving"])
    return frozenset(given)


def found_by_both(stack: Running, encoders: tuple[str, str], *, example: int, given: frozenset[int]) -> int:
    """How many of the images a search for the label finds with each of both encoders serving."""
    found = given
    for encoder in encoders:
        stack.post(f"/api/v1/encoders/{encoder}/promote", {})
        until = time.monotonic() + COPIED_WITHIN_S
        while True:
            answer = stack.post("/api/v1/search", {"image_id": example, "k": 200, "label": [LABEL]})
            ids = {hit["image_id"] for hit in answer["results"]}
            if answer["encoder"] != encoder:
                raise RuntimeError(f"{encoder[:12]} serves, and {answer['encoder'][:12]} has answered")
            if ids == given or time.monotonic() > until:
                break
            time.sleep(0.2)
        found &= ids
    return len(found)


def as_rows(both: tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]) -> tuple[list[int], npt.NDArray[np.float32]]:
    return both[0].tolist(), both[1]


def check(answers: Sequence[Answer], vectors: Mapping[str, Vectors]) -> Checked:
    """Compute each score again, from the vectors of the encoder that the answer names."""
    failed = [answer.failed for answer in answers if answer.failed]
    mixed, apart, scores, largest = 0, 0, 0, 0.0
    counts = dict.fromkeys(vectors, 0)
    for answer in answers:
        if answer.failed:
            continue
        own = difference(answer, vectors.get(answer.encoder, {}))
        mixed += own > TOLERANCE
        largest = max(largest, own)
        apart += all(difference(answer, of) > TOLERANCE for name, of in vectors.items() if name != answer.encoder)
        scores += len(answer.hits)
        counts[answer.encoder] = counts.get(answer.encoder, 0) + 1
    return Checked(
        searches=len(answers),
        failed=len(failed),
        mixed=mixed,
        told_apart=apart,
        scores=scores,
        largest_difference=largest,
        by_encoder={name[:16]: count for name, count in counts.items()},
        first_failure=failed[0] if failed else "",
    )


def difference(answer: Answer, vectors: Vectors) -> float:
    """The largest difference of a score from the cosine in these vectors; infinite for an answer that has none."""
    if not answer.hits or answer.query not in vectors or any(one not in vectors for one, _ in answer.hits):
        return float("inf")
    cosines = np.stack([vectors[one] for one, _ in answer.hits]) @ vectors[answer.query]
    return float(np.abs(cosines - np.array([score for _, score in answer.hits])).max())
