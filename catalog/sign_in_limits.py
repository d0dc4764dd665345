"""How often signing in may fail before the next attempt is not even looked at, counted in the audit log."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from catalog import tables
from catalog.addresses import customer
from catalog.ledger import clock
from catalog.user_errors import TooManyFailures

SIGN_IN = "sign-in"


@dataclass(frozen=True)
class Limits:
    """Failed sign-ins within `within_s` seconds after which the next is not even looked at."""

    within_s: float = 900.0
    name_and_address: int = 10
    address: int = 30
    name: int = 50  # from anywhere: one who guesses from many addresses shuts the user out for a while


def check_failures(connection: Connection, limits: Limits, *, target: str, address: str) -> None:
    """Raise TooManyFailures where there were too many of late; `target` is whom they were about."""
    event = tables.audit_event
    now = clock(connection)
    since = now - limits.within_s
    failed = (event.c.action == SIGN_IN) & event.c.at.between(since, now) & (event.c.outcome == "refused")
    named, here = event.c.target == target, from_there(connection, address, failed)
    for which, most in ((named & here, limits.name_and_address), (here, limits.address), (named, limits.name)):
        query = select(func.count(), func.min(event.c.at)).where(failed, which)
        count, first = connection.execute(query).one()
        if count >= most:
            raise TooManyFailures(max(1, math.ceil((first - since) / 60)))


def from_there(connection: Connection, address: str, failed: ColumnElement[bool]) -> ColumnElement[bool]:
    """Which lines of the audit log count as that address's: of IPv6, those of the same customer."""
    column = tables.audit_event.c.address
    if ":" not in address:
        return column == address
    seen = connection.scalars(select(column).where(failed, column.contains(":")).distinct())
    return column.in_([one for one in seen if customer(one) == customer(address)])
