"""Users, sessions, links and tokens in the ledger, on each kind of database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import select, update

from catalog import sessions, tables
from catalog.api_tokens import add_token, find_token, list_tokens, revoke_token
from catalog.audit import By, everything, note, recent
from catalog.joining import first_code, join, join_first
from catalog.ledger import Ledger
from catalog.one_time_links import look_at
from catalog.passwords import Passwords
from catalog.sessions import Lifetime
from catalog.sign_in import Door, sign_in
from catalog.user_errors import InvalidToken, InvalidUser, LastAdmin, LinkGone, SignInRefused, UnknownUser, WeakPassword
from catalog.users import User, add_user, change_user, find_user, invite_again, list_users

CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
PASSWORD = "four words and more"
ADMIN = By("anna", "192.0.2.1")


@pytest.fixture
def door(any_ledger: Ledger) -> Door:
    """A ledger with one admin, anna."""
    code = first_code(any_ledger)
    assert code
    join_first(any_ledger, CHEAP, code, name="Anna", password=PASSWORD, address="192.0.2.1")
    return Door(any_ledger, CHEAP, b"key")


def joined(ledger: Ledger, name: str) -> User:
    _, code = add_user(ledger, name, role="labeller", by=ADMIN)
    join(ledger, CHEAP, code, password=PASSWORD, address="")
    return find_user(ledger, name)


def test_a_password_is_kept_as_argon2id_of_no_small_cost() -> None:
    kept = Passwords().hash(PASSWORD, name="anna")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Passwords().matches(kept, PASSWORD) and not Passwords().matches(kept, PASSWORD + " ")


class Watched(PasswordHasher):
    """Keeps what it was asked to compare with."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=8192, parallelism=1)
        self.compared: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.compared.append(str(hash))
        return super().verify(hash, password)


def test_nobodys_password_takes_as_long_as_anybodys() -> None:
    """Each is compared once, with what was hashed at the same cost; without that the two are a thousandfold apart."""
    hasher = Watched()
    passwords = Passwords(hasher)
    kept = passwords.hash(PASSWORD, name="anna")
    for against in (None, kept):
        assert not passwords.matches(against, "wrong, and long enough")
    nobodys, annas = hasher.compared
    assert extract_parameters(nobodys) == extract_parameters(annas)

    def took(against: str | None) -> float:
        began = time.thread_time()  # of this thread: what else the machine does is none of it
        passwords.matches(against, "wrong, and long enough")
        return time.thread_time() - began

    pairs = [(took(kept), took(None)) for _ in range(9)]
    known, unknown = (min(times) for times in zip(*pairs, strict=True))
    assert 0.1 < unknown / known < 10


def test_a_password_of_other_parameters_is_hashed_anew_at_the_next_sign_in(door: Door) -> None:
    account = tables.account
    kept = select(account.c.password)
    with door.ledger.read() as connection:
        before = connection.execute(kept).scalar_one()
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    sign_in(Door(door.ledger, stronger, b"key"), name="anna", password=PASSWORD, address="")
    with door.ledger.read() as connection:
        after = connection.execute(kept).scalar_one()
    assert before != after and "m=16,t=2" in after
    assert sign_in(Door(door.ledger, stronger, b"key"), name="anna", password=PASSWORD, address="")


@pytest.mark.parametrize("password", ["", "short", "eleven char", "anna" * 300, "ANNA of the house "])
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        CHEAP.hash(password, name="Anna of the house")


@pytest.mark.parametrize("name", ["", " ", "local", "SHELL", "Folder", "a\nb", "a\u202eb", "<b>", "x" * 65, "-", "a\0"])
def test_names_that_mislead_are_refused(ledger: Ledger, name: str) -> None:
    with pytest.raises(InvalidUser):
        add_user(ledger, name, role="viewer", by=ADMIN)


def test_a_name_is_one_users_for_ever(door: Door) -> None:
    add_user(door.ledger, "Zoë", role="viewer", by=ADMIN)
    for name in ("zoë", "ZOE\u0308", " Zoë ", "ANNA", "\uff41nna"):
        with pytest.raises(InvalidUser):
            add_user(door.ledger, name, role="viewer", by=ADMIN)
    assert [user.name for user in list_users(door.ledger)] == ["Anna", "Zoë"]
    with pytest.raises(UnknownUser):
        find_user(door.ledger, "nobody")


def test_a_first_link_counts_once_and_only_while_there_is_no_admin(any_ledger: Ledger) -> None:
    code = first_code(any_ledger)
    assert code
    won, lost = at_once(
        lambda at: join_first(any_ledger, CHEAP, code, name=f"user {at}", password=PASSWORD, address=""), LinkGone
    )
    assert (won, lost) == (1, 3)
    assert first_code(any_ledger) is None
    [admin] = list_users(any_ledger)
    assert admin.role == "admin" and admin.joined


def test_a_link_counts_once_and_a_newer_one_ends_it(door: Door) -> None:
    user, first = add_user(door.ledger, "bob", role="viewer", by=ADMIN)
    second = invite_again(door.ledger, user.id, by=ADMIN)
    with pytest.raises(LinkGone):
        look_at(door.ledger, first)
    won, lost = at_once(lambda _: join(door.ledger, CHEAP, second, password=PASSWORD, address=""), LinkGone)
    assert (won, lost) == (1, 3)


def at_once(attempt: Callable[[int], object], refused: type[Exception], times: int = 4) -> tuple[int, int]:
    """How many of some attempts at the same moment got through, and how many were refused."""
    start, won, lost = threading.Barrier(times), [], []

    def one(at: int) -> None:
        start.wait()
        try:
            won.append(attempt(at))
        except refused as error:
            lost.append(error)

    threads = [threading.Thread(target=one, args=(at,)) for at in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(won), len(lost)


def test_a_link_ends(door: Door) -> None:
    _, code = add_user(door.ledger, "late", role="viewer", by=ADMIN)
    with door.ledger.write() as connection:
        connection.execute(update(tables.one_time_link).values(expires_at=time.time() - 1))
    with pytest.raises(LinkGone):
        join(door.ledger, CHEAP, code, password=PASSWORD, address="")


def test_two_admins_cannot_both_leave(door: Door) -> None:
    joined(door.ledger, "bob")
    ids = [user.id for user in list_users(door.ledger)]
    change_user(door.ledger, ids[1], role="admin", by=ADMIN)
    won, lost = at_once(lambda at: change_user(door.ledger, ids[at], disabled=True, by=ADMIN), LastAdmin, times=2)
    assert (won, lost) == (1, 1)


def test_sessions_end_by_themselves_by_hand_and_with_their_user(door: Door) -> None:
    bob = joined(door.ledger, "bob")
    one, two = (sign_in(door, name="BOB", password=PASSWORD, address="") for _ in range(2))
    assert sessions.find(door.ledger, one, door.lifetime) == sessions.find(door.ledger, two, door.lifetime)
    assert sessions.find(door.ledger, one, Lifetime(idle_s=-1)) is None
    sessions.end(door.ledger, one)
    assert sessions.find(door.ledger, one, door.lifetime) is None
    assert sessions.find(door.ledger, two, door.lifetime) is not None
    change_user(door.ledger, bob.id, disabled=True, by=ADMIN)
    assert sessions.find(door.ledger, two, door.lifetime) is None
    with pytest.raises(SignInRefused):
        sign_in(door, name="bob", password=PASSWORD, address="")


def test_the_ledger_holds_no_secret(door: Door) -> None:
    session = sign_in(door, name="anna", password=PASSWORD, address="")
    _, token = add_token(door.ledger, list_users(door.ledger)[0].id, name="x", scope="read", by=ADMIN)
    _, code = add_user(door.ledger, "bob", role="viewer", by=ADMIN)
    with door.ledger.read() as connection:
        held = "".join(str(connection.execute(select(table)).all()) for table in tables.metadata.sorted_tables)
    assert not any(secret in held for secret in (PASSWORD, session, token, token.removeprefix("ruiji_"), code))


def test_a_token_counts_until_it_is_revoked_or_ends(door: Door) -> None:
    anna = find_user(door.ledger, "anna")
    kept, secret = add_token(door.ledger, anna.id, name="kept", scope="label", by=ADMIN)
    _, ended = add_token(door.ledger, anna.id, name="ended", scope="read", lasts_s=-1, by=ADMIN)
    found = find_token(door.ledger, secret)
    assert found and (found.name, found.role) == ("Anna", "labeller")
    assert find_token(door.ledger, ended) is None
    assert [one.used_at is not None for one in list_tokens(door.ledger)] == [False, True]
    revoke_token(door.ledger, kept.id, by=ADMIN)
    revoke_token(door.ledger, kept.id, by=ADMIN)
    assert find_token(door.ledger, secret) is None
    assert [one.action for one in recent(door.ledger, limit=2)] == ["token revoked", "token added"]


def test_who_is_shut_out_gets_no_token_back(door: Door) -> None:
    bob = joined(door.ledger, "bob")
    _, others = add_token(door.ledger, find_user(door.ledger, "anna").id, name="hers", scope="read", by=ADMIN)
    secrets = [add_token(door.ledger, bob.id, name=name, scope="read", by=ADMIN)[1] for name in ("one", "two")]
    add_token(door.ledger, bob.id, name="ended", scope="read", lasts_s=-1, by=ADMIN)
    change_user(door.ledger, bob.id, disabled=True, by=ADMIN)
    lines = [(one.actor, one.action, one.target) for one in recent(door.ledger, limit=3)]
    assert sorted(lines[:2]) == [("anna", "token revoked", f"{name} of bob") for name in ("one", "two")]
    assert lines[2] == ("anna", "user disabled", "bob")
    with pytest.raises(InvalidToken, match="shut out"):
        add_token(door.ledger, bob.id, name="x", scope="read", by=ADMIN)
    change_user(door.ledger, bob.id, disabled=False, by=ADMIN)
    assert [find_token(door.ledger, secret) for secret in secrets] == [None, None]
    assert find_token(door.ledger, others)
    _, new = add_token(door.ledger, bob.id, name="new", scope="read", by=ADMIN)
    assert find_token(door.ledger, new)


def test_the_record_is_read_from_either_end(any_ledger: Ledger) -> None:
    for number in range(5):
        note(any_ledger, ADMIN, "export", f"{number}\0\ud800")
    assert [one.target[0] for one in everything(any_ledger)] == list("01234")
    newest = recent(any_ledger, limit=2)
    assert [one.target[0] for one in newest] == ["4", "3"]
    assert [one.target[0] for one in recent(any_ledger, limit=9, before=newest[-1].id)] == ["2", "1", "0"]
