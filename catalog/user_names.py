"""What a user can be called, and when two names are the same."""

from __future__ import annotations

import re
import unicodedata

from catalog.user_errors import InvalidUser

# Who the history names where nobody has signed in: no user may pass for one of them.
TAKEN = frozenset({"local", "shell", "folder", "switch", "repair", "nobody"})
NAME = re.compile(r"\w(?:[\w .@+'-]{0,62}\w)?")


def key_of(name: str) -> str:
    """The name as it is compared: without case, and without ways to write the same letter."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def valid_name(name: str) -> str:
    """The name as it is kept; InvalidUser."""
    kept = unicodedata.normalize("NFC", name).strip()
    if not NAME.fullmatch(kept):
        raise InvalidUser(
            "A user's name has 1 to 64 letters, digits and . _ - + @ ', and begins and ends with a letter."
        )
    if key_of(kept) in TAKEN:
        raise InvalidUser(f"{kept} stands in the history for what no user did: choose another name.")
    return kept
