"""An application with a limit of 1 MB for gunicorn to serve: the rules around requests, and nothing behind them."""

from __future__ import annotations

from typing import Any

from webui.app import create_app
from webui.config import WebConfig

NOTHING: dict[str, Any] = {"ledger": None, "index": None, "store": None, "client": None}

app = create_app(WebConfig(**NOTHING, secret_key=b"a key for tests, 32 bytes long..", max_upload_mb=1))
