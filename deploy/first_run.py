"""The link by which the first admin comes in: made at a start of the page where people sign in and nobody can yet."""

from __future__ import annotations

from urllib.parse import urlencode

from catalog.joining import first_code
from catalog.ledger import Ledger


def invitation(ledger: Ledger, *, page: str) -> str | None:
    """A sentence with the link to the page at that address; None where somebody can sign in as an admin."""
    if (code := first_code(ledger)) is None:
        return None
    return f"nobody can sign in yet: make the first admin within an hour at {page}/first?{urlencode({'code': code})}"
