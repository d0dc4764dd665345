"""How people get their password: the first admin by a link that the server prints, all others by one they are sent."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from catalog import tables
from catalog.audit import By, note
from catalog.ledger import Ledger
from catalog.one_time_links import FIRST_S, look_at, put_link, use
from catalog.passwords import Passwords
from catalog.sessions import Lifetime, begin
from catalog.user_errors import LinkGone
from catalog.user_names import valid_name
from catalog.users import admins, alone, end_all, insert_account, taken


def first_code(ledger: Ledger) -> str | None:
    """The code of a new link for the first admin; None where somebody can sign in as one."""
    with ledger.write() as connection:
        alone(connection)
        return None if admins(connection) else put_link(connection, purpose="first", lasts_s=FIRST_S)


def join_first(
    ledger: Ledger,
    passwords: Passwords,
    code: str,
    *,
    name: str,
    password: str,
    address: str,
    signed_in_for: Lifetime | None = None,
) -> str | None:
    """Make the first admin; LinkGone, InvalidUser, WeakPassword. Returns as `join`."""
    if look_at(ledger, code).purpose != "first":
        raise LinkGone
    kept = valid_name(name)
    hashed = passwords.hash(password, name=kept)
    try:
        with ledger.write() as connection:
            alone(connection)
            use(connection, code, purpose="first")
            if admins(connection):
                raise LinkGone
            made = insert_account(connection, kept, role="admin", password=hashed)
            note(connection, By(kept, address), "user added", f"{kept}: admin, by the first-run link")
            return begin(connection, made, signed_in_for) if signed_in_for else None
    except IntegrityError:
        raise taken(kept) from None


def join(
    ledger: Ledger,
    passwords: Passwords,
    code: str,
    *,
    password: str,
    address: str,
    signed_in_for: Lifetime | None = None,
) -> str | None:
    """Set the password of the user whose link it is, and end their other sessions; LinkGone, WeakPassword.

    Returns the secret of a session that begins with it, if it is said how long that lasts: in the same transaction, so
    that whoever sets the password after this one ends it too.
    """
    link = look_at(ledger, code)
    if link.name is None:
        raise LinkGone
    hashed = passwords.hash(password, name=link.name)
    account = tables.account
    with ledger.write() as connection:
        alone(connection)
        user_id = use(connection, code, purpose="password")
        able = account.c.disabled_at.is_(None)
        name = connection.execute(select(account.c.name).where(account.c.id == user_id, able)).scalar_one_or_none()
        if user_id is None or name is None:
            raise LinkGone
        connection.execute(update(account).where(account.c.id == user_id).values(password=hashed))
        end_all(connection, user_id)
        note(connection, By(str(name), address), "password set", str(name))
        return begin(connection, user_id, signed_in_for) if signed_in_for else None
