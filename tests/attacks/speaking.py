"""HTTP over one kept connection, which sends what it is told to, however odd, and tells all that came back."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import quote

from tests.stack import Stack

TIMEOUT_S = 60
TOO_MANY = 429


@dataclass(frozen=True)
class Heard:
    """An answer: status, headers and body."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Line(http.client.HTTPConnection):
    """A connection that does not look at what it sends."""

    def _validate_path(self, url: str) -> None:
        """As it is."""


class Attacker:
    """Somebody with a session of the stack's, as any page that a person has open."""

    def __init__(self, stack: Stack) -> None:
        stack.sign_in()
        self.sent = 0
        self._line = Line("127.0.0.1", stack.port, timeout=TIMEOUT_S)
        self._own = {"Cookie": stack.cookies, "X-CSRF-Token": stack.token}

    def send(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str | bytes] | None = None
    ) -> Heard:
        """One request, slowed where the server asks for it; a connection that it has closed is opened again, once."""
        self.sent += 1
        answer = self._once(method, path, body, headers or {})
        while answer.status == TOO_MANY:
            time.sleep(0.2)
            answer = self._once(method, path, body, headers or {})
        return answer

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str | bytes]) -> Heard:
        for again in (True, False):
            try:
                self._line.request(method, path, body=body, headers={**self._own, **headers})
                answer = self._line.getresponse()
                return Heard(answer.status, answer.headers, answer.read())
            except (http.client.HTTPException, ConnectionError):
                self._line.close()
                if not again:
                    raise
        raise AssertionError("unreachable")

    def get(self, path: str, /, **query: str) -> Heard:
        """GET, with a query string of any text."""
        asked = "&".join(f"{name}={quoted(value)}" for name, value in query.items())
        return self.send("GET", f"{path}?{asked}" if asked else path)

    def put_json(self, method: str, path: str, values: Any) -> Heard:
        """A JSON document in pure ASCII: a lone surrogate is written as its escape."""
        return self.send(method, path, body=json.dumps(values).encode(), headers={"Content-Type": "application/json"})

    def post(self, path: str, values: Any) -> Heard:
        """POST a JSON document."""
        return self.put_json("POST", path, values)

    def upload(self, data: bytes, *, filename: bytes = b"x.jpg", content_type: bytes = b"image/jpeg") -> Heard:
        """Search by a file, under any name."""
        edge = b"edge-of-the-part"
        body = (
            b'--%b\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n'
            b"Content-Type: %b\r\n\r\n%b\r\n--%b--\r\n" % (edge, filename, content_type, data, edge)
        )
        kind = f"multipart/form-data; boundary={edge.decode()}"
        return self.send("POST", "/api/v1/search", body=body, headers={"Content-Type": kind})

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def quoted(text: str) -> str:
    """Percent-encoded, lone surrogates as the bytes that other programs make of them."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")
