"""One-time links: what one leads to, made, looked at, and used by exactly one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, delete, insert, or_, select, update

from catalog import tables
from catalog.kept_secrets import digest_of, new_secret
from catalog.ledger import Ledger, clock
from catalog.user_errors import LinkGone

Purpose = Literal["first", "password"]
FIRST_S = 3600.0  # printed at a start, and used by whoever reads it
PASSWORD_S = 3 * 24 * 3600.0  # sent to a person


@dataclass(frozen=True)
class Link:
    """What a link is good for: to be the first admin, or to choose the password of the user `name`."""

    purpose: Purpose
    user_id: int | None
    name: str | None


def put_link(connection: Connection, *, purpose: Purpose, user_id: int | None = None, lasts_s: float) -> str:
    """A new link's code; earlier ones for the same end."""
    link, now, code = tables.one_time_link, clock(connection), new_secret()
    same = (link.c.purpose == purpose) & (link.c.account_id.is_not_distinct_from(user_id))
    connection.execute(delete(link).where(or_(same, link.c.expires_at < now)))
    values = {"digest": digest_of(code), "purpose": purpose, "account_id": user_id}
    connection.execute(insert(link).values(**values, created_at=now, expires_at=now + lasts_s))
    return code


def look_at(ledger: Ledger, code: str) -> Link:
    """What a code is good for, without using it: a chat that fetches the link for a preview does no harm. LinkGone."""
    link, account = tables.one_time_link, tables.account
    with ledger.read() as connection:
        query = (
            select(link.c.purpose, account.c.id, account.c.name)
            .outerjoin(account, account.c.id == link.c.account_id)
            .where(link.c.digest == digest_of(code), link.c.used_at.is_(None), link.c.expires_at > clock(connection))
        )
        row = connection.execute(query.where(account.c.disabled_at.is_(None))).one_or_none()
    if row is None:
        raise LinkGone
    return Link(row.purpose, row.id, row.name)


def use(connection: Connection, code: str, *, purpose: Purpose) -> int | None:
    """Use it up and return whose it is; of two who do so at once, the second gets LinkGone."""
    link, now = tables.one_time_link, clock(connection)
    unused = (link.c.digest == digest_of(code)) & link.c.used_at.is_(None) & (link.c.expires_at > now)
    used = update(link).where(unused, link.c.purpose == purpose).values(used_at=now).returning(link.c.account_id)
    row = connection.execute(used).one_or_none()
    if row is None:
        raise LinkGone
    return None if row.account_id is None else int(row.account_id)
