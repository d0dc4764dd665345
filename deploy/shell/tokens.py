"""`ruiji token`: API tokens made, shown and revoked, through the ledger."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.table import Table
from rich.text import Text

from catalog.api_tokens import Scope, add_token, list_tokens, revoke_token
from catalog.audit import SHELL
from catalog.users import find_user
from deploy.shell.installed import known_ledger
from deploy.shell.users import at
from settings import Settings

DAY_S = 24 * 3600.0


def add(settings: Settings, user: str, name: str, *, scope: Scope, days: int | None) -> int:
    """Print the secret alone on the output, so that a script can take it. Raises UnknownUser, InvalidToken."""
    ledger = known_ledger(settings)
    lasts_s = None if days is None else days * DAY_S
    made, secret = add_token(ledger, find_user(ledger, user).id, name=name, scope=scope, lasts_s=lasts_s, by=SHELL)
    print(f"token {made.id}, {made.name} of {made.user}, may {made.scope}; shown this once:", file=sys.stderr)
    print(secret)
    return 0


def show_all(settings: Settings) -> int:
    """Print every token."""
    found = list_tokens(known_ledger(settings))
    if not found:
        print("no tokens yet: make one with ruiji token add USER NAME")
        return 0
    table = Table("token", "for", "owner", "may", "last used", "ends", "state", box=None)
    for token in found:
        ended = token.expires_at is not None and token.expires_at < time.time()
        state = "revoked" if token.revoked_at is not None else "ended" if ended else ""
        used, ends = at(token.used_at) or "never", at(token.expires_at) or "never"
        table.add_row(str(token.id), Text(token.name), Text(token.user), token.scope, used, ends, state)
    Console().print(table)
    return 0


def revoke(settings: Settings, token_id: int) -> int:
    """From the next request on it counts no more. Raises UnknownToken."""
    revoke_token(known_ledger(settings), token_id, by=SHELL)
    print(f"token {token_id} is revoked")
    return 0
