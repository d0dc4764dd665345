"""Query micro-batches: what is waiting goes together, what is too late is not computed, and nothing ends the thread."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

import numpy as np

from worker.batching import MOST_IN_BATCH, Batcher, Embedded, Failed, Pixels, Vectors

ROOM = 60.0


def picture(value: int, side: int = 4) -> Pixels:
    return np.full((side, side, 3), value, dtype=np.uint8)


class Engine:
    """Gives each picture its first value as its vector, and holds the first batch back until told."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.go = threading.Event()
        self.go.set()
        self.begun = threading.Event()

    def embed(self, pictures: Pixels) -> Vectors:
        self.begun.set()
        self.go.wait(ROOM)
        self.batches.append(len(pictures))
        return np.asarray(pictures[:, 0, 0, :1], dtype=np.float32)


def submit(batcher: Batcher, engine: Engine, value: int, answers: queue.Queue[Any], *, left_s: float = ROOM) -> None:
    batcher.submit(
        picture(value),
        embed=engine.embed,
        deadline=time.time() + left_s,
        done=lambda result: answers.put((value, result)),
    )


def test_what_waits_is_embedded_together_and_each_gets_its_own_row() -> None:
    batcher, engine, answers = Batcher(), Engine(), queue.Queue[Any]()
    engine.go.clear()
    for value in range(1 + 2 * MOST_IN_BATCH):
        submit(batcher, engine, value, answers)
        if value == 0:
            assert engine.begun.wait(ROOM)  # the first alone is taken at once
    engine.go.set()
    got = dict(answers.get(timeout=ROOM) for _ in range(1 + 2 * MOST_IN_BATCH))
    assert engine.batches == [1, MOST_IN_BATCH, MOST_IN_BATCH]
    for value, result in got.items():
        assert isinstance(result, Embedded)
        assert result.vector.tolist() == [float(value)]
    batcher.close()


def test_an_expired_query_is_not_computed() -> None:
    batcher, engine, answers = Batcher(), Engine(), queue.Queue[Any]()
    engine.go.clear()
    submit(batcher, engine, 1, answers)
    assert engine.begun.wait(ROOM)
    submit(batcher, engine, 2, answers, left_s=-1.0)
    submit(batcher, engine, 3, answers)
    engine.go.set()
    got = dict(answers.get(timeout=ROOM) for _ in range(3))
    assert isinstance(got[2], Failed)
    assert got[2].kind == "expired"
    assert engine.batches == [1, 1]
    batcher.close()


def test_a_failing_batch_does_not_end_the_thread() -> None:
    batcher, engine, answers = Batcher(), Engine(), queue.Queue[Any]()

    def broken(pictures: Pixels) -> Vectors:
        raise RuntimeError("engine lost")

    batcher.submit(picture(1), embed=broken, deadline=time.time() + ROOM, done=answers.put)
    failed = answers.get(timeout=ROOM)
    assert isinstance(failed, Failed)
    assert "engine lost" in failed.reason
    submit(batcher, engine, 5, answers)
    assert isinstance(answers.get(timeout=ROOM)[1], Embedded)
    batcher.close()


def test_pictures_for_two_encoders_never_share_a_forward() -> None:
    batcher, small, large, answers = Batcher(), Engine(), Engine(), queue.Queue[Any]()
    small.go.clear()
    submit(batcher, small, 0, answers)
    assert small.begun.wait(ROOM)
    for value in range(4):
        engine, side = (small, 4) if value % 2 else (large, 8)
        batcher.submit(picture(value, side), embed=engine.embed, deadline=time.time() + ROOM, done=answers.put)
    small.go.set()
    assert all(not isinstance(answers.get(timeout=ROOM), Failed) for _ in range(5))
    assert sum(small.batches) == 3
    assert sum(large.batches) == 2
    batcher.close()


def test_the_views_of_one_picture_stay_together() -> None:
    batcher, engine, answers = Batcher(), Engine(), queue.Queue[Any]()
    engine.go.clear()
    submit(batcher, engine, 0, answers)
    assert engine.begun.wait(ROOM)  # the first alone is taken at once
    views = np.stack([picture(value) for value in (5, 6, 7)])
    batcher.submit(
        views, embed=engine.embed, deadline=time.time() + ROOM, done=lambda result: answers.put(("views", result))
    )
    submit(batcher, engine, 9, answers)
    engine.go.set()
    got = dict(answers.get(timeout=ROOM) for _ in range(3))
    assert engine.batches == [1, 4]
    assert got["views"].vector.tolist() == [[5.0], [6.0], [7.0]]
    assert got[9].vector.tolist() == [9.0]
    assert got[9].batch == 4
    batcher.close()
