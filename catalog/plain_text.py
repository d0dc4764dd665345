"""Text from file names and error messages, made fit for every database: no lone surrogate, no NUL."""

from __future__ import annotations

LONGEST = 500


def plain_text(value: str, *, longest: int = LONGEST) -> str:
    """`value` with unencodable characters replaced, at most `longest` characters."""
    shown = value.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
