"""Users: who may come in and as what; added, given another role, shut out and let in again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from catalog import tables
from catalog.audit import By, note
from catalog.ledger import Ledger, clock
from catalog.one_time_links import PASSWORD_S, put_link
from catalog.user_errors import InvalidUser, LastAdmin, UnknownUser
from catalog.user_names import key_of, valid_name

Role = Literal["viewer", "labeller", "admin"]
ROLES: Sequence[Role] = get_args(Role)  # each may do what those before it may


@dataclass(frozen=True)
class User:
    """Times are seconds since 1970; `joined`: a password is set; `seen_at`: the last request of an open session."""

    id: int
    name: str
    role: Role
    joined: bool
    disabled: bool
    created_at: float
    seen_at: float | None


@dataclass(frozen=True)
class Identity:
    """Who makes a request, and as what."""

    user_id: int
    name: str
    role: Role


def list_users(ledger: Ledger) -> list[User]:
    """All of them, by name."""
    with ledger.read() as connection:
        return [_user(row) for row in connection.execute(_users().order_by(tables.account.c.name_key))]


def get_user(ledger: Ledger, user_id: int) -> User:
    """The user of this number; UnknownUser."""
    with ledger.read() as connection:
        row = connection.execute(_users().where(tables.account.c.id == user_id)).one_or_none()
    if row is None:
        raise UnknownUser(user_id)
    return _user(row)


def find_user(ledger: Ledger, name: str) -> User:
    """The user of this name, in whatever case; UnknownUser."""
    with ledger.read() as connection:
        row = connection.execute(_users().where(tables.account.c.name_key == key_of(name))).one_or_none()
    if row is None:
        raise UnknownUser(name)
    return _user(row)


def add_user(ledger: Ledger, name: str, *, role: Role, by: By) -> tuple[User, str]:
    """A new user, and the code of the one-time link by which they choose their password; InvalidUser."""
    kept = valid_name(name)
    try:
        with ledger.write() as connection:
            made = insert_account(connection, kept, role=role, password=None)
            code = put_link(connection, purpose="password", user_id=made, lasts_s=PASSWORD_S)
            note(connection, by, "user added", f"{kept}: {role}")
    except IntegrityError:
        raise taken(kept) from None
    return get_user(ledger, made), code


def insert_account(connection: Connection, name: str, *, role: Role, password: str | None) -> int:
    """The row of a new user; IntegrityError where the name is taken."""
    values = {"name": name, "name_key": key_of(name), "role": role, "password": password}
    made = insert(tables.account).values(**values, created_at=clock(connection))
    return int(connection.execute(made.returning(tables.account.c.id)).scalar_one())


def taken(name: str) -> InvalidUser:
    """Names are for ever: what one has decided never becomes another's."""
    return InvalidUser(f"There is a user {name} already, or was: choose another name.")


def change_user(
    ledger: Ledger, user_id: int, *, role: Role | None = None, disabled: bool | None = None, by: By
) -> User:
    """Another role, or shut out (at once, with all sessions and tokens), or let in again; UnknownUser, LastAdmin."""
    account = tables.account
    with ledger.write() as connection:
        alone(connection)
        row = connection.execute(select(account).where(account.c.id == user_id)).one_or_none()
        if row is None:
            raise UnknownUser(user_id)
        leaves = (role is not None and role != "admin") or disabled is True
        if leaves and admins(connection) == [user_id]:
            raise LastAdmin(row.name)
        if role is not None and role != row.role:
            connection.execute(update(account).where(account.c.id == user_id).values(role=role))
            note(connection, by, "role changed", f"{row.name}: {row.role} to {role}")
        if disabled is not None and disabled != (row.disabled_at is not None):
            at = clock(connection) if disabled else None
            connection.execute(update(account).where(account.c.id == user_id).values(disabled_at=at))
            end_all(connection, user_id)
            note(connection, by, "user disabled" if disabled else "user enabled", row.name)
            # Also of one who is let in: a token may have been made at the moment when they were shut out.
            revoke_all(connection, user_id, owner=row.name, by=by)
    return get_user(ledger, user_id)


def invite_again(ledger: Ledger, user_id: int, *, by: By) -> str:
    """The code of a new link by which they choose a password; earlier links end. UnknownUser."""
    account = tables.account
    with ledger.write() as connection:
        name = connection.execute(select(account.c.name).where(account.c.id == user_id)).scalar_one_or_none()
        if name is None:
            raise UnknownUser(user_id)
        code = put_link(connection, purpose="password", user_id=user_id, lasts_s=PASSWORD_S)
        note(connection, by, "password link", str(name))
    return code


def end_all(connection: Connection, user_id: int) -> None:
    """End every session and every unused link of a user."""
    for table in (tables.account_session, tables.one_time_link):
        connection.execute(delete(table).where(table.c.account_id == user_id))


def revoke_all(connection: Connection, user_id: int, *, owner: str, by: By) -> None:
    """Revoke every API token of a user: programs of theirs do not come in again by themselves when they are let in."""
    token, now = tables.api_token, clock(connection)
    counts = token.c.revoked_at.is_(None) & or_(token.c.expires_at.is_(None), token.c.expires_at > now)
    revoked = update(token).where(token.c.account_id == user_id, counts).values(revoked_at=now)
    for name in connection.scalars(revoked.returning(token.c.name)).all():
        note(connection, by, "token revoked", f"{name} of {owner}")


def admins(connection: Connection) -> list[int]:
    """Those who can sign in as an admin now."""
    account = tables.account
    able = account.c.disabled_at.is_(None) & account.c.password.is_not(None)
    return list(connection.scalars(select(account.c.id).where(account.c.role == "admin", able)))


def has_admin(ledger: Ledger) -> bool:
    """Whether anybody can sign in as an admin."""
    with ledger.read() as connection:
        return bool(admins(connection))


def alone(connection: Connection) -> None:
    """Nobody else changes users until this transaction ends; SQLite has one writer anyway.

    It comes first in a transaction: who held a row already would wait for whoever holds the table and wants that row.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE"))


def _users() -> Any:
    account, session = tables.account, tables.account_session
    seen = select(func.max(session.c.seen_at)).where(session.c.account_id == account.c.id).scalar_subquery()
    return select(account, seen.label("seen_at"))


def _user(row: Row[Any]) -> User:
    joined, disabled = row.password is not None, row.disabled_at is not None
    return User(row.id, row.name, row.role, joined, disabled, row.created_at, row.seen_at)
