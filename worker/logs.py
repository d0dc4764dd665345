"""How our processes log: one line an event on standard output, for people, or as JSON with the request it is for."""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings
from datetime import UTC, datetime
from typing import Any, Literal

from celery.platforms import SecurityWarning
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as BrokerAway
from redis.exceptions import TimeoutError as BrokerSlow

from catalog import request_id
from catalog.errors import LedgerAway
from catalog.index_errors import IndexUnavailable

Form = Literal["plain", "json"]

AWAY = (LedgerAway, IndexUnavailable, BrokerAway, BrokerSlow, OperationalError)
_PASSWORD = re.compile(r"(://[^\s/:@]*):[^\s/@]+@")


def set_up_logging(level: str, form: Form = "plain") -> None:
    """Plain lines are without the time: whoever gathers them adds it. Celery's own chatter stays out."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines() if form == "json" else PlainLines("%(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("celery", "kombu", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if form == "plain" and level != "DEBUG":
        logging.getLogger(request_id.LOGGER).setLevel(logging.WARNING)
    # In a container everything runs as root, and the messages are JSON: what the warning is about cannot happen.
    warnings.filterwarnings("ignore", category=SecurityWarning)


def without_passwords(text: str) -> str:
    """The text with the passwords of addresses left out: what a library says of a lost connection may hold one."""
    return _PASSWORD.sub(r"\1:***@", text)


class _Lines(logging.Formatter):
    """Where an engine is away, its error says all: a traceback for each request and each look would bury the rest."""

    def formatException(self, ei: Any) -> str:  # noqa: N802  the name is logging's
        """The traceback; of an engine that is away the error alone, unless all is to be told."""
        if isinstance(ei[1], AWAY) and not logging.getLogger().isEnabledFor(logging.DEBUG):
            return f"  {type(ei[1]).__name__}: {ei[1]}"
        return super().formatException(ei)


class PlainLines(_Lines):
    """For people."""

    def format(self, record: logging.LogRecord) -> str:
        """Level and message, and a traceback if there is one; where something went wrong, for which request."""
        text = without_passwords(super().format(record))
        request = request_id.current() if record.levelno >= logging.WARNING else ""
        return f"{text} (request {request})" if request else text


class JsonLines(_Lines):
    """For programs: one object a line. `at` is UTC; `request` is there when the line belongs to one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; what was logged with `extra={"fields": …}` is in it by name."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_passwords(record.getMessage()),
            "process": record.process,
        }
        if request := request_id.current():
            line["request"] = request
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = without_passwords(self.formatException(record.exc_info))
        return json.dumps(line, default=str)
