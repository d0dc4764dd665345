"""What a request about exports may hold."""

from __future__ import annotations

from pydantic import Field

from curate.exports.formats import Format

from .requests import FormId, Request, Several


class ExportQuery(Request):
    """Without a `label`, all of them. `rejected` adds what images were said not to be, where the format has a place."""

    format: Format = Format.CSV
    label: Several[FormId] = Field(default=(), max_length=1000)
    rejected: bool = False
