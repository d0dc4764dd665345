"""The web server process: gunicorn with threads around webui's application, on a socket or address it is given."""

from __future__ import annotations

import argparse
import gc
import logging
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from deploy.arenas import limit_arenas
from deploy.page_address import OpenToOthers, check_bind, people_sign_in, shown
from settings import Settings
from worker.logs import set_up_logging

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

    def __init__(self, settings: Settings, *, bind: str) -> None:
        self._settings = settings
        # Asked for now: a socket that is handed over has another number once gunicorn has it.
        hosts, https = settings.allowed_hosts, settings.https
        needed = people_sign_in(bind, hosts=hosts, https=https, proxies=settings.proxies)
        self._login = settings.login == "always" or needed
        self._page = shown(bind, hosts=hosts, https=https)
        log_level = settings.log_level
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
            **({"logger_class": OneForm} if settings.log == "json" else {}),
        }
        super().__init__()

    def load_config(self) -> None:
        """gunicorn asks for its options here."""
        for name, value in self._options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """gunicorn asks for the application here, in the worker process."""
        from catalog.ledger import Ledger
        from deploy.first_run import invitation
        from webui.wsgi import build_application

        try:
            application = build_application(self._settings, login=self._login)
            if self._login:
                ledger = Ledger.open(self._settings.resolved_database_url())
                if (said := invitation(ledger, page=self._page)) is not None:
                    log.warning("%s", said)
                ledger.close()
            # What is loaded stays: the collector would look through all of it in the middle of searches.
            gc.collect()
            gc.freeze()
            return application
        except Exception as error:
            from deploy.shell.failures import explain  # much that the server itself does without

            if (explained := explain(error)) is None:
                raise
            log.error("%s", explained[0])
            raise SystemExit(Arbiter.WORKER_BOOT_ERROR) from error


def serve(settings: Settings, *, bind: str) -> None:
    """Serve until a signal ends it; `bind` is host:port or fd://number."""
    # Threads take turns at Python, so two arenas are enough for them; one each would be memory that the others miss.
    limit_arenas()
    set_up_logging(settings.log_level, settings.log)
    WebServer(settings, bind=bind).run()


def main() -> None:
    """Command line of the web part."""
    parser = argparse.ArgumentParser(prog="python -m deploy.gunicorn_server", description=__doc__)
    parser.add_argument("--bind", required=True)
    given, settings = parser.parse_args().bind, Settings()
    try:
        bind = check_bind(given, hosts=settings.allowed_hosts)
    except OpenToOthers as error:
        parser.error(str(error))
    serve(settings, bind=bind)


if __name__ == "__main__":
    main()
