"""A page's server that answers as it is told, for those who ask under faults."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.stack import Stack

Told = tuple[int, Any]  # status, document


@contextmanager
def answering(*told: Told) -> Iterator[Stack]:
    """A stack whose server gives these answers in turn, and the last one from then on."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(told))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Stack(Path("home"), Path("root"), port=server.server_port, token="signed in")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(told: Sequence[Told]) -> type[BaseHTTPRequestHandler]:
    left = list(told)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, document = left.pop(0) if len(left) > 1 else left[0]
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing is printed."""

    return Handler
