"""The web server process: gunicorn with threads around webui's application, on a socket or address it is given."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from gunicorn.app.base import BaseApplication

from settings import Settings

THREADS = 16


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One worker process: what it holds in memory (rate limits, suggestions) is then one truth."""

    def __init__(self, *, bind: str, log_level: str) -> None:
        self._options: dict[str, Any] = {
            "bind": bind,
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "timeout": 120,
            "graceful_timeout": 5,
            "keepalive": 15,
            "limit_request_line": 8190,
            "loglevel": "warning" if log_level == "INFO" else log_level.lower(),
            "errorlog": "-",
            "proc_name": "ruiji-web",
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        """gunicorn asks for its options here."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """gunicorn asks for the application here, in the worker process."""
        from webui.wsgi import build_application

        return build_application()


def serve(settings: Settings, *, bind: str) -> None:
    """Serve until a signal ends it; `bind` is host:port or fd://number."""
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s")
    WebServer(bind=bind, log_level=settings.log_level).run()


def main() -> None:
    """Command line of the web part."""
    parser = argparse.ArgumentParser(prog="python -m deploy.gunicorn_server", description=__doc__)
    parser.add_argument("--bind", required=True)
    serve(Settings(), bind=parser.parse_args().bind)


if __name__ == "__main__":
    main()
