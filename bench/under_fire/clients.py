"""Those who ingest, switch encoders and search during a run, each with a journal of what was acknowledged."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.stack import Answer, Stack
from bench.under_fire.places import write_photos

STUCK_S = 300.0


@dataclass
class Taken:
    """An ingest that was acknowledged: its job, its files (path -> SHA-256), whether it was said to be searchable."""

    job: int
    files: dict[Path, str]
    searchable: bool = False


@dataclass(frozen=True)
class Switched:
    """A switch of encoders that was asked for; `serving` is None for a roll-back without an answer."""

    serving: str | None
    answered: bool


class Client(threading.Thread, ABC):
    """Acts until told to stop; `failure` is what ended it before."""

    def __init__(self, name: str, *, server: Stack, stop: threading.Event, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.server, self.stop, self.random = server, stop, random.Random(seed)
        self.done: Counter[str] = Counter()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """One act after the other."""
        try:
            while not self.stop.is_set():
                self.act()
        except BaseException as error:
            self.failure = error

    @abstractmethod
    def act(self) -> None:
        """Do one thing, or find that it cannot be done now."""

    def ask(self, request: Callable[[], Answer]) -> Answer | None:
        """The answer; None when there was none, or the server could not do it at present."""
        try:
            answer = request()
        except (OSError, http.client.HTTPException):
            self.server.token = self.server.cookies = ""
            self.done["without an answer"] += 1
            self.stop.wait(0.1)
            return None
        if answer.status >= 500 or answer.status == 429:
            self.done[f"refused with {answer.status}"] += 1
            self.stop.wait(0.1)
            return None
        return answer

    def post(self, path: str, values: dict[str, Any]) -> Answer | None:
        """POST a document."""
        return self.ask(lambda: self.server.post(path, values))


class Ingester(Client):
    """Ingests new folders, and some of the old ones again with files that look changed."""

    def __init__(self, *, room: Path, photos: dict[Path, str], each: int, rest_s: float, **options: Any) -> None:
        super().__init__("ingester", **options)
        self.room, self.each, self.rest_s = room, each, rest_s
        self.folders: list[tuple[Path, dict[Path, str]]] = [(room / "photos", photos)]
        self.taken: list[Taken] = []
        self.wrong: list[str] = []

    def act(self) -> None:
        """A new folder twice as often as an old one; then wait for the job, through whatever happens."""
        self.stop.wait(self.random.uniform(0.0, 2 * self.rest_s))
        if self.random.random() < 0.67:
            folder, seed = self.room / f"photos-{len(self.folders)}", self.random.randrange(1 << 30)
            files = write_photos(folder, count=self.each, seed=seed, labels=("sky", "grass"))
            self.folders.append((folder, files))
            what = "ingests"
        else:
            folder, files = self.random.choice(self.folders)
            self._touch(files)
            what = "ingests again"
        while (answer := self.post("/api/v1/sources", {"path": str(folder), "labels_from_folders": True})) is None:
            if self.stop.is_set():
                return
        if answer.status != 202:
            raise RuntimeError(f"{folder} is not ingested: {answer.status} {answer.body[:500]!r}")
        taken = Taken(int(answer.json()["job"]), files)
        self.taken.append(taken)
        self.done[what] += 1
        self._wait(taken)

    def _touch(self, files: dict[Path, str]) -> None:
        for path in self.random.sample(sorted(files), max(1, len(files) // 4)):
            os.utime(path)

    def _wait(self, taken: Taken) -> None:
        until = time.monotonic() + STUCK_S
        while not self.stop.is_set():
            answer = self.ask(lambda: self.server.request("GET", f"/api/v1/jobs/{taken.job}"))
            if answer is not None:
                job = answer.json()
                if job["state"] == "failed" or job["bad"]:
                    self.wrong.append(f"job {taken.job} of sound photos: {job}")
                    return
                if job["state"] == "done" and job["searchable"]:
                    taken.searchable = True
                    return
            if time.monotonic() > until:
                raise RuntimeError(f"job {taken.job} is not done after {STUCK_S:.0f} s: {answer and answer.body!r}")
            self.stop.wait(0.1)


class Switcher(Client):
    """Lets another encoder serve, and goes back; none whose name begins with `but`."""

    def __init__(self, *, encoder: Path, rest_s: float, but: str, **options: Any) -> None:
        super().__init__("switcher", **options)
        self.encoder, self.rest_s, self.but = encoder, rest_s, but
        self.switched: list[Switched] = []

    def act(self) -> None:
        """Take the second encoder in once; then fill and promote the one that does not serve, or roll back."""
        self.stop.wait(self.random.uniform(0.2, 1.0) * self.rest_s)
        listed = self.ask(lambda: self.server.request("GET", "/api/v1/encoders"))
        if listed is None:
            return
        # Not those that are trained meanwhile: after an epoch they find no photo by itself.
        rows = [row for row in listed.json()["encoders"] if not row["name"].startswith(self.but)]
        others = [row["id"] for row in rows if not row["serving"]]
        if not others:
            self.post("/api/v1/encoders", {"path": str(self.encoder)})
        elif self.switched and self.random.random() < 0.4:
            self._switch("/api/v1/encoders/rollback", {}, None)
        elif (filled := self.post(f"/api/v1/encoders/{others[0]}/fill", {})) is not None and filled.status == 202:
            self._switch(f"/api/v1/encoders/{others[0]}/promote", {"incomplete": True}, others[0])

    def _switch(self, path: str, values: dict[str, Any], target: str | None) -> None:
        answer = self.post(path, values)
        if answer is None:
            self.switched.append(Switched(target, answered=False))
        elif answer.status == 200:
            self.switched.append(Switched(answer.json()["serving"], answered=True))
            self.done["switches"] += 1
        else:
            self.done[f"switch refused with {answer.status}"] += 1


@dataclass
class SearchAnswers:
    """Answers to searches, as they must be at any moment."""

    number: int = 0
    wrong: list[str] = field(default_factory=list)

    def take(self, answer: Answer) -> None:
        """Note an answer."""
        self.number += 1
        found = [row["image_id"] for row in answer.json()["results"]]
        if len(found) != len(set(found)):
            self.wrong.append(f"a search returned an image twice: {found}")


class Searcher(Client):
    """Searches by photos that are in the ledger, without a pause."""

    def __init__(self, *, photos: list[Path], rest_s: float, **options: Any) -> None:
        super().__init__("searcher", **options)
        self.photos, self.rest_s = photos, rest_s
        self.answers = SearchAnswers()

    def act(self) -> None:
        """One upload."""
        picture = self.random.choice(self.photos).read_bytes()
        answer = self.ask(lambda: self.server.upload(picture, k=20))
        if answer is not None and answer.status == 200:
            self.answers.take(answer)
            self.done["searches"] += 1
        elif answer is not None:
            self.done[f"search refused with {answer.status}"] += 1
        self.stop.wait(self.random.uniform(0.0, self.rest_s))
