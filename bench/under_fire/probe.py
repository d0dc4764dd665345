"""Whether the whole way of a search works: page, broker, query worker, index."""

from __future__ import annotations

import http.client
from pathlib import Path

from bench.stack import Stack


class Probe:
    """Asked after each fault, until it says yes: an answer without a result is none, for there are photos."""

    def __init__(self, server: Stack, photo: Path) -> None:
        self._server, self._picture = server, photo.read_bytes()

    def __call__(self) -> bool:
        try:
            answer = self._server.upload(self._picture, k=1)
            return answer.status == 200 and bool(answer.json()["results"])
        except (OSError, http.client.HTTPException):
            self._server.token = self._server.cookies = ""
            return False
