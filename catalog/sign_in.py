"""Signing in: a name and a password against the ledger, slowly for all who are wrong, and not endlessly often."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select, update

from catalog import tables
from catalog.audit import By, note
from catalog.ledger import Ledger
from catalog.passwords import Passwords
from catalog.sessions import Lifetime, begin
from catalog.sign_in_limits import SIGN_IN, Limits, check_failures
from catalog.turns import Turns
from catalog.user_errors import SignInRefused
from catalog.user_names import key_of
from catalog.users import alone, end_all

# One at a time: each takes 64 MiB, and what is counted before one is still true after it. Few threads wait: a flood
# of guesses, at a tenth of a second each, leaves the page's others to who has signed in.
turns = Turns(waiting=3)


@dataclass(frozen=True)
class Door:
    """Where people sign in: the ledger and the rules. `key` is the installation's own, for names that nobody has."""

    ledger: Ledger
    passwords: Passwords
    key: bytes
    lifetime: Lifetime = field(default_factory=Lifetime)
    limits: Limits = field(default_factory=Limits)


def sign_in(door: Door, *, name: str, password: str, address: str) -> str:
    """The secret of a new session; SignInRefused, ComeBackLater. Wrong names take as long as wrong passwords."""
    with turn(door, name=name, address=address):
        row = proved(door, name=name, password=password, address=address)
        with door.ledger.write() as connection:
            still_so(connection, row)
            rehash(door.passwords, connection, row, password)
            note(connection, By(row.name, address), SIGN_IN, row.name)
            return begin(connection, row.id, door.lifetime)


def change_password(door: Door, *, name: str, old: str, new: str, address: str) -> str:
    """Another password; all sessions end, and the secret of a new one is returned. As `sign_in`, and WeakPassword."""
    with turn(door, name=name, address=address):
        row = proved(door, name=name, password=old, address=address)
        hashed = door.passwords.hash(new, name=row.name)
        with door.ledger.write() as connection:
            still_so(connection, row)
            connection.execute(update(tables.account).where(tables.account.c.id == row.id).values(password=hashed))
            end_all(connection, row.id)
            note(connection, By(row.name, address), "password set", row.name)
            return begin(connection, row.id, door.lifetime)


@contextmanager
def turn(door: Door, *, name: str, address: str) -> Iterator[None]:
    """One's turn to have a password compared; ComeBackLater. Who has failed too often takes nobody's place in it."""
    look_up(door, name=name, address=address)
    with turns.one():
        yield


def proved(door: Door, *, name: str, password: str, address: str) -> Row[Any]:
    """The user's row, if the password is theirs and they may come in."""
    row, target = look_up(door, name=name, address=address)
    kept = row.password if row and row.disabled_at is None else None
    if not door.passwords.matches(kept, password) or row is None:
        note(door.ledger, By("nobody", address), SIGN_IN, target, outcome="refused")
        raise SignInRefused
    return row


def look_up(door: Door, *, name: str, address: str) -> tuple[Row[Any] | None, str]:
    """The user's row, if there is one, and what the audit log calls them; TooManyFailures."""
    account = tables.account
    with door.ledger.read() as connection:
        row = connection.execute(select(account).where(account.c.name_key == key_of(name))).one_or_none()
        # What was typed as a name may be a password in the wrong field: it is kept by a digest under our own key.
        target = row.name if row else f"unknown name {seal(door.key, key_of(name))}"
        check_failures(connection, door.limits, target=target, address=address)
    return row, target


def still_so(connection: Connection, row: Row[Any]) -> None:
    """Raise SignInRefused where the user was shut out, or got another password, while this one was looked at.

    From here on until the transaction ends nobody can be: who does so afterwards ends the session that begins now.
    """
    alone(connection)
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
