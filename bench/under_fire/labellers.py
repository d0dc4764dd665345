"""People who label over HTTP whatever happens to the server: who gets no answer asks again with the same key."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bench.stack import Stack

FOREVER_S = 240.0
EXCLUSIVE = ("car", "ship")
LABELS = ("sky", "grass", "shiny", *EXCLUSIVE)  # the first two are names of folders, which speak too
IMAGES_AT_ONCE = 9


class Unanswered(RuntimeError):
    """A client got no answer, or not the one that it must get."""


@dataclass(frozen=True)
class Sent:
    """A change that the server has acknowledged, as the client remembers it. `target`: the batch undone or done again.

    `tries` counts the requests that it took, `repeated` that one of those without an answer had been carried out.
    """

    key: str
    kind: str
    batch: int
    applied: int
    unchanged: int
    repeated: bool
    tries: int
    label: str = ""
    decision: str = ""
    images: tuple[int, ...] = ()
    target: int | None = None


@dataclass
class Labeller(threading.Thread):
    """One client with a session of its own; its journal is in the order of the answers. Rests up to `rest_s` between
    two changes. `refused`: how often it was told to ask again, by status."""

    number: int
    server: Stack
    images: list[int]
    stop: threading.Event
    seed: int = 7000
    rest_s: float = 0.0
    journal: list[Sent] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(name=f"labeller {self.number}", daemon=True)
        self.random = random.Random(self.seed + self.number)
        self.undoable: list[int] = []
        self.redoable: list[int] = []

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """Change labels until told to stop; a change that was begun is brought to its answer."""
        try:
            while not self.stop.is_set():
                self._one_change()
                if self.rest_s:
                    self.stop.wait(self.random.uniform(0.0, self.rest_s))
        except BaseException as error:
            self.failure = error

    def _one_change(self) -> None:
        choice = self.random.random()
        key = f"labeller {self.number}: {len(self.journal):05d}"
        if choice < 0.12 and self.undoable:
            target = self.undoable.pop(self.random.randrange(len(self.undoable)))
            self._change(f"/api/v1/batches/{target}/undo", {"key": key}, kind="undo", target=target)
            self.redoable.append(target)
        elif choice < 0.18 and self.redoable:
            target = self.redoable.pop()
            self._change(f"/api/v1/batches/{target}/redo", {"key": key}, kind="redo", target=target)
        else:
            images = tuple(self.random.sample(self.images, IMAGES_AT_ONCE))
            label, decision = self.random.choice(LABELS), self.random.choice(["yes", "yes", "no", "unknown"])
            wanted = {"key": key, "label": label, "decision": decision, "image_ids": images}
            about = {"label": label, "decision": decision, "images": images}
            self._change("/api/v1/labels/decisions", wanted, kind="decide", **about)
            self.undoable.append(self.journal[-1].batch)

    def _change(self, path: str, values: dict[str, Any], *, kind: str, **about: Any) -> None:
        until, tries = time.monotonic() + FOREVER_S, 0
        while True:
            tries += 1
            try:
                answer = self.server.post(path, values)
            except (OSError, http.client.HTTPException):  # refused, reset, or cut off in the middle of the answer
                self.server.token = self.server.cookies = ""
                if time.monotonic() > until:
                    raise Unanswered(f"{path} has no answer in {FOREVER_S:.0f} s") from None
                time.sleep(0.05)
                continue
            if answer.status < 500:
                break
            self.refused[answer.status] += 1
            if time.monotonic() > until:
                raise Unanswered(f"{path} is refused for {FOREVER_S:.0f} s: {answer.status} {answer.body[:500]!r}")
            time.sleep(0.05)
        if answer.status != 200:
            raise Unanswered(f"{path} {values}: {answer.status} {answer.body[:500]!r}")
        said = answer.json()
        numbers = (said["batch"], said["applied"], said["unchanged"], said["repeated"])
        self.journal.append(Sent(values["key"], kind, *numbers, tries, **about))
