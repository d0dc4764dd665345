"""Secrets that people and programs carry: random, 256 bits; the ledger keeps their SHA-256 digest alone."""

from __future__ import annotations

import hashlib
import secrets

BYTES = 32


def new_secret(prefix: str = "") -> str:
    """One that nobody can guess, url-safe."""
    return prefix + secrets.token_urlsafe(BYTES)


def digest_of(secret: str) -> str:
    """What is kept of it. No salt and no stretching: nobody can try 2^256 of them."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
