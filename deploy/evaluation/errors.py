"""What keeps an evaluation from being made."""

from __future__ import annotations


class NoEvaluation(Exception):
    """Photos, labels or figures are missing or do not fit; the message says which and what to do."""
