"""The web server process: gunicorn with threads around webui's application, on a socket or address it is given."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from deploy.page_address import OpenToOthers, check_bind
from settings import Settings
from worker.logs import Form, set_up_logging

THREADS = 16

log = logging.getLogger("ruiji.web")


class OneForm(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own words in the form that everything else is logged in."""

    def setup(self, cfg: Any) -> None:
        """gunicorn asks for its handlers here."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """One worker process: what it holds in memory (rate limits, suggestions, figures of /metrics) is then one truth."""

    def __init__(self, *, bind: str, log_level: str, form: Form = "plain") -> None:
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
            **({"logger_class": OneForm} if form == "json" else {}),
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

        try:
            return build_application()
        except Exception as error:
            from deploy.shell.failures import explain  # much that the server itself does without

            if (explained := explain(error)) is None:
                raise
            log.error("%s", explained[0])
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR) from error


def serve(settings: Settings, *, bind: str) -> None:
    """Serve until a signal ends it; `bind` is host:port or fd://number."""
    set_up_logging(settings.log_level, settings.log)
    WebServer(bind=bind, log_level=settings.log_level, form=settings.log).run()


def main() -> None:
    """Command line of the web part."""
    parser = argparse.ArgumentParser(prog="python -m deploy.gunicorn_server", description=__doc__)
    parser.add_argument("--bind", required=True)
    try:
        bind = check_bind(parser.parse_args().bind)
    except OpenToOthers as error:
        parser.error(str(error))
    serve(Settings(), bind=bind)


if __name__ == "__main__":
    main()
