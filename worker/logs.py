"""How worker processes log: one line an event, on standard output."""

from __future__ import annotations

import logging
import sys
import warnings

from celery.platforms import SecurityWarning


def set_up_logging(level: str) -> None:
    """Without the time: whoever gathers the lines adds it. Celery's own chatter stays out."""
    logging.basicConfig(level=level, format="%(levelname)s %(message)s", stream=sys.stdout, force=True)
    for name in ("celery", "kombu", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # In a container everything runs as root, and the messages are JSON: what the warning is about cannot happen.
    warnings.filterwarnings("ignore", category=SecurityWarning)
