"""What is refused to people who want to come in, or to change who may; each a sentence for them."""

from __future__ import annotations

from catalog.errors import CatalogError


class InvalidUser(CatalogError):
    """A user's name or role cannot be; the message says why."""


class WeakPassword(CatalogError):
    """A password is too short, too long, or the user's own name."""


class UnknownUser(CatalogError):
    """No user has this id or name."""

    def __init__(self, who: int | str) -> None:
        super().__init__(f"There is no user {str(who)[:80]!r}; list the users to see those that exist.")


class LastAdmin(CatalogError):
    """Without this admin nobody could change the users any more."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is the last admin who can sign in: make somebody else an admin first.")


class UnknownToken(CatalogError):
    """No API token has this number."""

    def __init__(self, token_id: int) -> None:
        super().__init__(f"There is no API token {token_id}; list the tokens to see those that exist.")


class InvalidToken(CatalogError):
    """A token cannot be made in this way; the message says why."""


class LinkGone(CatalogError):
    """A one-time link was used, replaced by a newer one, has expired, or never was."""

    def __init__(self) -> None:
        super().__init__("This link was used already, or has expired. Ask an admin for another one.")


class SignInRefused(CatalogError):
    """Name or password is wrong; which of them is nobody's business."""

    def __init__(self) -> None:
        super().__init__("That name and password do not go together.")


class ComeBackLater(CatalogError):
    """Not looked at now; `after_s`: in how many seconds it may be."""

    def __init__(self, message: str, *, after_s: int) -> None:
        super().__init__(message)
        self.after_s = after_s


class TooManyFailures(ComeBackLater):
    """Too many wrong passwords of late, for this name or from this address."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"Too many failed sign-ins. Try again in {minutes} minutes.", after_s=60 * minutes)


class DoorBusy(ComeBackLater):
    """Passwords are compared one at a time, and as many are waiting as may."""

    def __init__(self) -> None:
        super().__init__("Many are signing in just now. Try again in a moment.", after_s=1)
