"""`ruiji users`: people added, shown, and given or refused what they may do, through the ledger."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog import users
from catalog.audit import SHELL
from catalog.ledger import Ledger
from catalog.users import Role, User
from deploy.page_address import shown
from deploy.shell.installed import known_ledger
from settings import Settings


def add(settings: Settings, name: str, *, role: Role) -> int:
    """Add a user and print their link. Raises InvalidUser."""
    made, code = users.add_user(Ledger.open(settings.resolved_database_url()), name, role=role, by=SHELL)
    _print_link(settings, made, code)
    return 0


def show_all(settings: Settings, *, as_json: bool) -> int:
    """Print every user."""
    found = users.list_users(known_ledger(settings))
    if as_json:
        print(json.dumps({"users": [asdict(user) for user in found]}))
        return 0
    if not found:
        print("no users yet: add one with ruiji users add NAME")
        return 0
    table = Table("user", "role", "state", "last seen", box=None)
    for user in found:
        state = "shut out" if user.disabled else "" if user.joined else "invited"
        table.add_row(Text(user.name), user.role, state, at(user.seen_at))
    Console().print(table)
    return 0


def disable(settings: Settings, name: str, *, disabled: bool) -> int:
    """Shut out, or let in again. Raises UnknownUser, LastAdmin."""
    ledger = known_ledger(settings)
    user = users.change_user(ledger, users.find_user(ledger, name).id, disabled=disabled, by=SHELL)
    print(f"{user.name} {'is shut out, their tokens are revoked' if disabled else 'may come in again'}")
    return 0


def give_role(settings: Settings, name: str, *, role: Role) -> int:
    """Another role. Raises UnknownUser, LastAdmin."""
    ledger = known_ledger(settings)
    user = users.change_user(ledger, users.find_user(ledger, name).id, role=role, by=SHELL)
    print(f"{user.name} is {user.role} now")
    return 0


def new_link(settings: Settings, name: str) -> int:
    """Print a new link for a password. Raises UnknownUser."""
    ledger = known_ledger(settings)
    user = users.find_user(ledger, name)
    _print_link(settings, user, users.invite_again(ledger, user.id, by=SHELL))
    return 0


def at(seconds: float | None) -> str:
    """A time for people; empty for none."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _print_link(settings: Settings, user: User, code: str) -> None:
    page = shown(f"127.0.0.1:{settings.port}", hosts=settings.allowed_hosts, https=settings.https)
    print(f"{user.name}, {user.role}: good once, for three days, to choose a password:")
    print(f"{page}/join?{urlencode({'code': code})}")
