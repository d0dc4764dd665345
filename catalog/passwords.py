"""Passwords as the ledger keeps them: argon2id, and which ones are taken at all."""

from __future__ import annotations

import secrets
import unicodedata
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from catalog.user_errors import WeakPassword

SHORTEST, LONGEST = 12, 1000  # characters


class Passwords:
    """Hashes and compares with one set of parameters: argon2-cffi's own, RFC 9106's second choice (64 MiB)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe(32))

    def hash(self, password: str, *, name: str) -> str:
        """What is kept of a new password of the user `name`; WeakPassword."""
        check(password, name=name)
        return self._hasher.hash(normal(password))

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether it is the password that was kept. None, for nobody's, takes as long as any other."""
        against = self._nobodys  # made before the two ways part, also the first time
        try:
            return self._hasher.verify(kept or against, normal(password)) and kept is not None
        except (VerifyMismatchError, InvalidHashError):
            return False

    def outdated(self, kept: str) -> bool:
        """Whether it was hashed with other parameters than these."""
        return self._hasher.check_needs_rehash(kept)


def normal(password: str) -> str:
    """The same for every keyboard: an accent may be typed as one character or as two."""
    return unicodedata.normalize("NFKC", password[: LONGEST * 2]).encode("utf-8", "replace").decode()


def check(password: str, *, name: str) -> None:
    """Raise WeakPassword for one that may not be chosen."""
    if len(normal(password)) < SHORTEST:
        raise WeakPassword(f"A password has at least {SHORTEST} characters; a few words do well.")
    if len(password) > LONGEST:
        raise WeakPassword(f"A password has at most {LONGEST} characters.")
    if normal(password).casefold().strip() == name.casefold().strip():
        raise WeakPassword("The password is the name: choose another.")
