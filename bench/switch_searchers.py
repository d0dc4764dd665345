"""Processes that search without a pause while encoders are switched, and write down each answer as it came."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from bench.running import Running

K = 20
PATIENCE_S = 60.0
Pictures = tuple[tuple[int, Path], ...]  # image id and file


@dataclass(frozen=True)
class Answer:
    """What came back for the image `query`: who answered and (image id, score) of each hit, or what failed."""

    query: int
    upload: bool
    encoder: str
    hits: tuple[tuple[int, float], ...]
    failed: str = ""


class Count:
    """How often one encoder after the other has answered, over all processes."""

    def __init__(self, context: SpawnContext) -> None:
        self._encoder, self._row = context.Value("Q", 0), context.Value("q", 0)

    def add(self, encoder: str) -> None:
        """One more by this one; a failure has none, and ends no row."""
        name = zlib.crc32(encoder.encode())
        with self._encoder.get_lock():
            if encoder and name != self._encoder.value:
                self._encoder.value, self._row.value = name, 0
            self._row.value += 1

    def by(self, encoder: str) -> int:
        """How many in a row were its, up to now."""
        with self._encoder.get_lock():
            return int(self._row.value) if self._encoder.value == zlib.crc32(encoder.encode()) else 0


class Searchers:
    """How many answers there are so far, and where they are written."""

    def __init__(self, files: list[Path], count: Count) -> None:
        self._files = files
        self._count = count

    def wait_for(self, count: int, *, encoder: str) -> None:
        """Until so many in a row were this encoder's. RuntimeError if it does not come to that."""
        before, since = -1, time.monotonic()
        while (now := self._count.by(encoder)) < count:
            if now > before:
                before, since = now, time.monotonic()
            if time.monotonic() - since > PATIENCE_S:
                raise RuntimeError(f"no search came back for {PATIENCE_S:.0f} s, after {now} by {encoder[:12]}")
            time.sleep(0.02)

    def answers(self) -> list[Answer]:
        """All of them, once the processes have ended."""
        found = []
        for path in self._files:
            for line in path.read_text().splitlines():
                values = json.loads(line)
                found.append(
                    Answer(**{**values, "hits": tuple((int(one), float(score)) for one, score in values["hits"])})
                )
        return found


@contextlib.contextmanager
def searching(room: Path, *, port: int, home: Path, pictures: Pictures, processes: int) -> Iterator[Searchers]:
    """Processes that search until the block ends."""
    context = multiprocessing.get_context("spawn")
    stop, count = context.Event(), Count(context)
    files = [room / f"searches-{number}.jsonl" for number in range(processes)]
    started = [
        context.Process(target=search, args=(number, port, home, pictures, path, stop, count), daemon=True)
        for number, path in enumerate(files)
    ]
    for process in started:
        process.start()
    try:
        yield Searchers(files, count)
    finally:
        stop.set()
        for process in started:
            process.join(timeout=PATIENCE_S)
            process.kill()
    if codes := [process.exitcode for process in started if process.exitcode]:
        raise RuntimeError(f"searching processes ended with {codes}")


def search(number: int, port: int, home: Path, pictures: Pictures, path: Path, stop: Event, count: Count) -> None:
    """Ask by uploads and by known images in turn; a failure is an answer too."""
    stack = Running(port, home)
    stack.request("GET", "/")
    with path.open("w") as sink:
        turn = number
        while not stop.is_set():
            image_id, file = pictures[turn % len(pictures)]
            upload = turn // len(pictures) % 2 == number % 2
            answer: dict[str, Any] = {"query": image_id, "upload": upload, "encoder": "", "hits": [], "failed": ""}
            try:
                values = one_search(stack, image_id, file, upload=upload)
                answer |= {
                    "encoder": values["encoder"],
                    "hits": [(hit["image_id"], hit["score"]) for hit in values["results"]],
                }
            except Exception as error:  # whatever it is, it is what a person would have met
                answer["failed"] = f"{type(error).__name__}: {error}"
                stack = Running(port, home)
                stack.request("GET", "/")
            sink.write(json.dumps(answer) + "\n")
            count.add(answer["encoder"])
            turn += 1


def one_search(stack: Running, image_id: int, file: Path, *, upload: bool) -> dict[str, Any]:
    if upload:
        return stack.upload(file.read_bytes(), k=K)[1]
    return stack.post("/api/v1/search", {"image_id": image_id, "k": K})
