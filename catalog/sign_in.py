"""Signing in: a name and a password against the ledger, slowly for all who are wrong, and not endlessly often."""

from __future__ import annotations

import hashlib
import hmac
import math
import threading
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from catalog import tables
from catalog.audit import By, note
from catalog.ledger import Ledger, clock
from catalog.passwords import Passwords
from catalog.sessions import Lifetime, begin
from catalog.user_errors import SignInRefused, TooManyFailures
from catalog.user_names import key_of
from catalog.users import end_all

SIGN_IN = "sign-in"
# One at a time: each takes 64 MiB, and what is counted before one is still true after it.
turn = threading.Lock()


@dataclass(frozen=True)
class Limits:
    """Failed sign-ins within `within_s` seconds after which the next is not even looked at."""

    within_s: float = 900.0
    name_and_address: int = 10
    address: int = 30
    name: int = 50  # from anywhere: one who guesses from many addresses shuts the user out for a while


@dataclass(frozen=True)
class Door:
    """Where people sign in: the ledger and the rules. `key` is the installation's own, for names that nobody has."""

    ledger: Ledger
    passwords: Passwords
    key: bytes
    lifetime: Lifetime = field(default_factory=Lifetime)
    limits: Limits = field(default_factory=Limits)


def sign_in(door: Door, *, name: str, password: str, address: str) -> str:
    """The secret of a new session; SignInRefused, TooManyFailures. Wrong names take as long as wrong passwords."""
    with turn:
        row = proved(door, name=name, password=password, address=address)
        with door.ledger.write() as connection:
            still_so(connection, row)
            rehash(door.passwords, connection, row, password)
            note(connection, By(row.name, address), SIGN_IN, row.name)
            return begin(connection, row.id, door.lifetime)


def change_password(door: Door, *, name: str, old: str, new: str, address: str) -> str:
    """Another password; all sessions end, and the secret of a new one is returned. As `sign_in`, and WeakPassword."""
    with turn:
        row = proved(door, name=name, password=old, address=address)
        hashed = door.passwords.hash(new, name=row.name)
        with door.ledger.write() as connection:
            still_so(connection, row)
            connection.execute(update(tables.account).where(tables.account.c.id == row.id).values(password=hashed))
            end_all(connection, row.id)
            note(connection, By(row.name, address), "password set", row.name)
            return begin(connection, row.id, door.lifetime)


def proved(door: Door, *, name: str, password: str, address: str) -> Row[Any]:
    """The user's row, if the password is theirs and they may come in."""
    account, by = tables.account, By("nobody", address)
    with door.ledger.read() as connection:
        row = connection.execute(select(account).where(account.c.name_key == key_of(name))).one_or_none()
        # What was typed as a name may be a password in the wrong field: it is kept by a digest under our own key.
        target = row.name if row else f"unknown name {seal(door.key, key_of(name))}"
        check_failures(connection, door.limits, target=target, address=address)
    kept = row.password if row and row.disabled_at is None else None
    if not door.passwords.matches(kept, password) or row is None:
        note(door.ledger, by, SIGN_IN, target, outcome="refused")
        raise SignInRefused
    return row


def check_failures(connection: Connection, limits: Limits, *, target: str, address: str) -> None:
    """Raise TooManyFailures where there were too many of late."""
    event = tables.audit_event
    since = clock(connection) - limits.within_s
    failed = (event.c.action == SIGN_IN) & (event.c.at > since) & (event.c.outcome == "refused")
    named, here = event.c.target == target, event.c.address == address
    for which, most in ((named & here, limits.name_and_address), (here, limits.address), (named, limits.name)):
        query = select(func.count(), func.min(event.c.at)).where(failed, which)
        count, first = connection.execute(query).one()
        if count >= most:
            raise TooManyFailures(max(1, math.ceil((first - since) / 60)))


def still_so(connection: Connection, row: Row[Any]) -> None:
    """Raise SignInRefused where the user was shut out, or got another password, while this one was looked at."""
    account = tables.account
    same = (account.c.id == row.id) & (account.c.password == row.password) & account.c.disabled_at.is_(None)
    if connection.execute(select(account.c.id).where(same)).first() is None:
        raise SignInRefused


def rehash(passwords: Passwords, connection: Connection, row: Row[Any], password: str) -> None:
    """Keep the password by today's parameters, now that it is known for once."""
    if passwords.outdated(row.password):
        hashed = passwords.hash(password, name=row.name)
        connection.execute(update(tables.account).where(tables.account.c.id == row.id).values(password=hashed))


def seal(key: bytes, text: str) -> str:
    """Twelve characters that are the same for the same text, and tell nobody without the key what it was."""
    return hmac.new(key, b"name " + text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:12]
