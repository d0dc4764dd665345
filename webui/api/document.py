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

ID = {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**63 - 1}

# What any request may be answered with: who asks is not known, may not, or asks too often.
ANY = {"401": "Unauthorized", "403": "Forbidden", "429": "Too Many Requests"}
# With a body: another installation is meant, the body is too large, or of another kind.
SENT = {"409": "Conflict", "413": "Request Entity Too Large", "415": "Unsupported Media Type"}
FILES = {
    "/api/v1/export": "application/octet-stream",
    "/api/v1/encoders/{encoder_id}/archive": "application/zip",
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
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["schema"].get("type") == "integer":
                    parameter["schema"] = ID
            for status, description in {**ANY, **(SENT if method != "get" else {})}.items():
                answers.setdefault(status, {"description": description, "content": problem})
            if method != "get":
                operation["security"] = [{"csrf": []}, {"token": []}]
                operation.setdefault("parameters", []).append(INSTALLATION)
            if kind := FILES.get(path):
                answers["200"]["content"] = {kind: {"schema": {"type": "string", "format": "binary"}}}
    return described
