"""Takes in an encoder that somebody names at the page; whoever asked gets its id, or the reason why not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from catalog.errors import CatalogError
from encoder.folder import EncoderError
from worker.context import Context
from worker.registry import register_encoder
from worker.replies import WORKER_FAILED

logger = logging.getLogger("ruiji.encoders")


def import_encoder(context: Context, request: str, path: str) -> None:
    """Register what lies at `path` and answer; the web server has checked that it may be read."""
    answer: dict[str, Any]
    try:
        encoder = register_encoder(context.ledger, context.store, Path(path))
        logger.info("took in encoder %s (%s) from %s", encoder.name, encoder.id[:12], path)
        answer = {"encoder_id": encoder.id}
    except EncoderError as error:
        answer = {"error": {"kind": "encoder_refused", "reason": str(error)}}
    except (CatalogError, OSError) as error:
        logger.exception("an encoder could not be taken in")
        answer = {"error": {"kind": WORKER_FAILED, "reason": f"the encoder could not be taken in: {error}"}}
    context.replies.send(request, answer)
