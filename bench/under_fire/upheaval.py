"""What goes on beside the labelling: the same folder ingested over and over, one encoder after the other serving."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.stack import Stack


class Upheaval(threading.Thread):
    """Asks for the next thing until told to stop; what a kill prevents is asked for again. `done` counts what was."""

    def __init__(self, server: Stack, *, photos: Path, encoder: Path, stop: threading.Event) -> None:
        super().__init__(name="upheaval", daemon=True)
        self.server, self.photos, self.encoder, self.stop = server, photos, encoder, stop
        self.done: Counter[str] = Counter()
        self.random = random.Random(5)
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Take the second encoder in, then switch and ingest in turn."""
        try:
            while not self.stop.is_set():
                self._ingest()
                self._switch()
                self.stop.wait(0.3)
        except BaseException as error:
            self.failure = error

    def _ingest(self) -> None:
        """Some files look changed, so that they are read again and their folder speaks again."""
        files = sorted(self.photos.rglob("*.jpg"))
        for path in self.random.sample(files, len(files) // 4):
            os.utime(path)
        wanted = {"path": str(self.photos), "labels_from_folders": True}
        self._ask("ingests", "POST", "/api/v1/sources", wanted)

    def _switch(self) -> None:
        listed = self._ask("", "GET", "/api/v1/encoders")
        if listed is None:
            return
        others = [row["id"] for row in listed["encoders"] if not row["serving"]]
        if not others:
            self._ask("encoders", "POST", "/api/v1/encoders", {"path": str(self.encoder)})
        elif self._ask("fills", "POST", f"/api/v1/encoders/{others[0]}/fill", {}) is not None:
            self._ask("switches", "POST", f"/api/v1/encoders/{others[0]}/promote", {"incomplete": True})

    def _ask(self, what: str, method: str, path: str, values: dict[str, Any] | None = None) -> Any:
        try:
            answer = self.server.post(path, values) if values is not None else self.server.request(method, path)
        except (OSError, http.client.HTTPException):
            self.server.token = self.server.cookies = ""
            time.sleep(0.2)
            return None
        if answer.status >= 400:
            self.done[f"{what or 'lists'} refused with {answer.status}"] += 1
            return None
        if what:
            self.done[what] += 1
        return answer.json()
