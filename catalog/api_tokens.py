"""API tokens: what programs sign their requests with, in the name of the user who owns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, insert, select, update

from catalog import tables
from catalog.audit import By, note
from catalog.kept_secrets import digest_of, new_secret
from catalog.ledger import Ledger, clock
from catalog.user_errors import InvalidToken, UnknownToken, UnknownUser
from catalog.users import ROLES, Identity, Role

Scope = Literal["read", "label", "admin"]
PREFIX = "ruiji_"
AS: Mapping[Scope, Role] = {"read": "viewer", "label": "labeller", "admin": "admin"}
NOTED_EVERY_S = 60.0
LONGEST_NAME = 80


@dataclass(frozen=True)
class Token:
    """A token without its secret, which nobody can see again. Times are seconds since 1970."""

    id: int
    user: str
    name: str
    scope: Scope
    created_at: float
    expires_at: float | None
    used_at: float | None
    revoked_at: float | None


def add_token(
    ledger: Ledger, user_id: int, *, name: str, scope: Scope, lasts_s: float | None = None, by: By
) -> tuple[Token, str]:
    """A new token and its secret; UnknownUser, InvalidToken."""
    name = name.strip()
    if not name.isprintable() or not 1 <= len(name) <= LONGEST_NAME:
        raise InvalidToken(f"A token has a name of 1 to {LONGEST_NAME} characters, by which it is known later.")
    account, secret = tables.account, new_secret(PREFIX)
    with ledger.write() as connection:
        owner = connection.execute(select(account).where(account.c.id == user_id)).one_or_none()
        if owner is None:
            raise UnknownUser(user_id)
        if owner.disabled_at is not None:
            raise InvalidToken(
                f"{owner.name} is shut out: a token would let a program in as soon as they are let in again."
            )
        if ROLES.index(AS[scope]) > ROLES.index(owner.role):
            raise InvalidToken(f"{owner.name} is a {owner.role}: a token of theirs cannot have the scope {scope}.")
        now = clock(connection)
        values: dict[str, Any] = {"account_id": user_id, "name": name, "scope": scope, "digest": digest_of(secret)}
        values |= {"created_at": now, "expires_at": None if lasts_s is None else now + lasts_s}
        row = connection.execute(insert(tables.api_token).values(**values).returning(tables.api_token)).one()
        note(connection, by, "token added", f"{name} of {owner.name}: {scope}")
    return _token(row, owner.name), secret


def find_token(ledger: Ledger, secret: str) -> Identity | None:
    """Whose token it is, with the lesser of its scope and their role; None for one that does not count (any more)."""
    token, account = tables.api_token, tables.account
    times = (token.c.expires_at, token.c.used_at)
    query = (
        select(token.c.id, token.c.account_id, account.c.name, account.c.role, token.c.scope, *times)
        .join(account, account.c.id == token.c.account_id)
        .where(token.c.digest == digest_of(secret), token.c.revoked_at.is_(None), account.c.disabled_at.is_(None))
    )
    with ledger.read() as connection:
        row = connection.execute(query).one_or_none()
        now = clock(connection)
    if row is None or (row.expires_at is not None and now > row.expires_at):
        return None
    if row.used_at is None or now > row.used_at + NOTED_EVERY_S:
        ledger.write_in_passing(update(token).where(token.c.id == row.id).values(used_at=now))
    role = min(row.role, AS[row.scope], key=ROLES.index)
    return Identity(row.account_id, row.name, role)


def list_tokens(ledger: Ledger) -> list[Token]:
    """All of them, those that were revoked too, the newest first."""
    token, account = tables.api_token, tables.account
    query = select(token, account.c.name.label("owner")).join(account, account.c.id == token.c.account_id)
    with ledger.read() as connection:
        return [_token(row, row.owner) for row in connection.execute(query.order_by(token.c.id.desc()))]


def revoke_token(ledger: Ledger, token_id: int, *, by: By) -> None:
    """From the next request on it counts no more; again changes nothing. UnknownToken."""
    token, account = tables.api_token, tables.account
    with ledger.write() as connection:
        query = select(token, account.c.name.label("owner")).join(account, account.c.id == token.c.account_id)
        row = connection.execute(query.where(token.c.id == token_id)).one_or_none()
        if row is None:
            raise UnknownToken(token_id)
        if row.revoked_at is None:
            connection.execute(update(token).where(token.c.id == token_id).values(revoked_at=clock(connection)))
            note(connection, by, "token revoked", f"{row.name} of {row.owner}")


def _token(row: Row[Any], owner: str) -> Token:
    times = (row.created_at, row.expires_at, row.used_at, row.revoked_at)
    return Token(row.id, owner, row.name, row.scope, *times)
