"""People who look, each with a session of their own: they search, open photos and pages, and think in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.stack import Answer
from bench.under_fire.clients import Client, Ingester, SearchAnswers

PAGES = ("/", "/labels", "/labels/history", "/hunts", "/encoders", "/map", "/jobs")
ASKED_FOR = ("/api/v1/labels", "/api/v1/jobs", "/api/v1/batches", "/api/v1/encoders", "/api/v1/training")
K = 60  # as the page asks for
SHOWN = 6  # thumbnails that one looks at


class Visitor(Client):
    """Searches by uploads and by photos that are known, looks at what was found, opens pages."""

    def __init__(self, number: int, *, photos: list[Path], think_s: float, **options: Any) -> None:
        super().__init__(f"visitor {number}", **options)
        self.photos, self.think_s = photos, think_s
        self.answers = SearchAnswers()
        self.known: list[int] = []
        self.found: set[int] = set()  # ever

    def act(self) -> None:
        """One thing, and a thought."""
        choice = self.random.random()
        if choice < 0.45 or not self.known:
            picture = self.random.choice(self.photos).read_bytes()
            self._found(self.ask(lambda: self.server.upload(picture, k=K)))
        elif choice < 0.65:
            image = self.random.choice(self.known)
            self._found(self.post("/api/v1/search", {"image_id": image, "k": K}))
        elif choice < 0.85:
            self._get(self.random.choice(PAGES))
        else:
            self._get(self.random.choice(ASKED_FOR))
        self.stop.wait(self.random.uniform(0.0, 2 * self.think_s))

    def _get(self, path: str) -> None:
        self.ask(lambda: self.server.request("GET", path))

    def _found(self, answer: Answer | None) -> None:
        if answer is None or answer.status != 200:
            return
        self.answers.take(answer)
        self.known = [row["image_id"] for row in answer.json()["results"]]
        self.found.update(self.known)
        for image in self.random.sample(self.known, min(SHOWN, len(self.known))):
            self._get(f"/thumbnail/{image}")


class Waves(Ingester):
    """Ingests a folder now and then."""

    def __init__(self, *, rest_s: float, **options: Any) -> None:
        super().__init__(rest_s=0.0, **options)
        self.after_s = rest_s

    def act(self) -> None:
        """A wave, and a rest."""
        super().act()
        self.stop.wait(self.after_s)
