"""Sessions of signed-in people: begun, found by their secret, and ended on the server."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from catalog import tables
from catalog.kept_secrets import digest_of, new_secret
from catalog.ledger import Ledger, clock
from catalog.users import Identity

NOTED_EVERY_S = 60.0  # a write for each request would be one for each thumbnail


@dataclass(frozen=True)
class Lifetime:
    """A session ends after so long without a request, and after so long at all; in seconds."""

    idle_s: float = 12 * 3600.0
    most_s: float = 7 * 24 * 3600.0


def begin(connection: Connection, user_id: int, lifetime: Lifetime) -> str:
    """A new session's secret; those that have ended are swept away."""
    session, now, secret = tables.account_session, clock(connection), new_secret()
    connection.execute(delete(session).where(session.c.expires_at < now))
    values = {"digest": digest_of(secret), "account_id": user_id, "created_at": now, "seen_at": now}
    connection.execute(insert(session).values(**values, expires_at=now + lifetime.most_s))
    return secret


def find(ledger: Ledger, secret: str, lifetime: Lifetime) -> Identity | None:
    """Whose session it is; None when it has ended, was ended, or its user is shut out: asked anew at every request."""
    session, account = tables.account_session, tables.account
    query = (
        select(account.c.id, account.c.name, account.c.role, session.c.seen_at, session.c.expires_at)
        .join(account, account.c.id == session.c.account_id)
        .where(session.c.digest == digest_of(secret), account.c.disabled_at.is_(None))
    )
    with ledger.read() as connection:
        row = connection.execute(query).one_or_none()
        now = clock(connection)
    if row is None or now > row.expires_at or now > row.seen_at + lifetime.idle_s:
        return None
    if now > row.seen_at + NOTED_EVERY_S:
        # Where it cannot be noted, the session ends earlier by as much as was not, and never later.
        ledger.write_in_passing(update(session).where(session.c.digest == digest_of(secret)).values(seen_at=now))
    return Identity(row.id, row.name, row.role)


def end(ledger: Ledger, secret: str) -> None:
    """End one session: whoever kept its cookie has nothing."""
    session = tables.account_session
    with ledger.write() as connection:
        connection.execute(delete(session).where(session.c.digest == digest_of(secret)))
