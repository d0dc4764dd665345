"""What a request asks for, as one hash: the ledger keeps it beside the request's key, and refuses the key to others."""

from __future__ import annotations

import hashlib
import json

from flask import request

from webui.identity import author


def request_sha256() -> str:
    """Of who asks, how, where, and for what; the same whatever the order of the JSON document's fields.

    To be called once the document has been read: that refuses one that is none.
    """
    said = [author(), request.method, request.path, request.get_json()]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
