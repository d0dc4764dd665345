"""The OpenAPI document of the API, drawn once from its routes and models."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from webui.security import INSTALLATION_HEADER

from .blueprint import tree

INSTALLATION = {
    "in": "header",
    "name": INSTALLATION_HEADER,
    "required": False,
    "schema": {"type": "string"},
    "description": "The `ruiji-installation` of the page that asks: another installation answers 409 and does nothing.",
}


@cache
def document() -> dict[str, Any]:
    """The document; call it within a request, since the routes are read from the application."""
    described = cast(dict[str, Any], tree.spec)
    described["components"]["securitySchemes"] = {
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "X-CSRF-Token",
            "description": "From GET /api/v1/token, together with its cookie.",
        },
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, with which no CSRF token is needed.",
        },
    }
    described["security"] = [{}, {"token": []}]
    for operations in described["paths"].values():
        for method, operation in operations.items():
            if method != "get":
                operation["security"] = [{"csrf": []}, {"token": []}]
                operation.setdefault("parameters", []).append(INSTALLATION)
                operation["responses"].setdefault("409", {**operation["responses"]["400"], "description": "Conflict"})
    return described
