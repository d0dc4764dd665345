"""What an admin and a user do to the same account at the same moment, on each kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from argon2 import PasswordHasher

from catalog import api_tokens, joining, sessions, sign_in
from catalog.api_tokens import add_token, find_token
from catalog.audit import By
from catalog.joining import join
from catalog.ledger import Ledger
from catalog.passwords import Passwords
from catalog.sign_in import Door
from catalog.user_errors import LinkGone, SignInRefused
from catalog.users import User, add_user, change_user, find_user, invite_again

CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
STRONGER = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
OLD, OWN, RESET = "four words and more", "four other words", "four words of an admin's"
ADMIN = By("anna", "192.0.2.1")
WAITS_S = 1.0  # what has not come through by then waits for the other

Meet = Callable[[Any, str, Callable[[], object]], "Future[object]"]


@pytest.fixture
def bob(any_ledger: Ledger) -> User:
    """A user with a password."""
    made, code = add_user(any_ledger, "bob", role="labeller", by=ADMIN)
    join(any_ledger, CHEAP, code, password=OLD, address="")
    return made


@pytest.fixture
def meet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Meet]:
    """`meet(module, step, other)`: after that step, `other` begins in another thread and has a second to get on."""
    pool = ThreadPoolExecutor(1)

    def set_up(module: Any, step: str, other: Callable[[], object]) -> Future[object]:
        met, original = Future[object](), getattr(module, step)

        def then(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            monkeypatch.undo()
            pool.submit(other).add_done_callback(lambda done: pass_on(done, met))
            wait([met], WAITS_S)
            return result

        monkeypatch.setattr(module, step, then)
        return met

    yield set_up
    pool.shutdown()


def pass_on(done: Future[object], met: Future[object]) -> None:
    """What came of it, an exception too."""
    if (error := done.exception()) is not None:
        met.set_exception(error)
    else:
        met.set_result(done.result())


def signed_in(door: Door, password: str) -> str:
    return sign_in.sign_in(door, name="bob", password=password, address="")


def test_who_signs_in_while_the_password_is_reset_is_out(any_ledger: Ledger, bob: User, meet: Meet) -> None:
    door, code = Door(any_ledger, CHEAP, b"key"), invite_again(any_ledger, bob.id, by=ADMIN)
    reset = meet(sign_in, "still_so", lambda: join(any_ledger, CHEAP, code, password=RESET, address=""))
    secret = signed_in(door, OLD)
    reset.result(60)
    assert sessions.find(any_ledger, secret, door.lifetime) is None


def test_a_password_that_is_hashed_anew_does_not_come_back(any_ledger: Ledger, bob: User, meet: Meet) -> None:
    door, code = Door(any_ledger, STRONGER, b"key"), invite_again(any_ledger, bob.id, by=ADMIN)
    reset = meet(sign_in, "still_so", lambda: join(any_ledger, STRONGER, code, password=RESET, address=""))
    signed_in(door, OLD)
    reset.result(60)
    with pytest.raises(SignInRefused):
        signed_in(door, OLD)
    assert signed_in(door, RESET)


def test_a_reset_that_got_through_is_not_written_over(any_ledger: Ledger, bob: User, meet: Meet) -> None:
    door, code = Door(any_ledger, CHEAP, b"key"), invite_again(any_ledger, bob.id, by=ADMIN)
    reset = meet(sign_in, "still_so", lambda: join(any_ledger, CHEAP, code, password=RESET, address=""))
    sign_in.change_password(door, name="bob", old=OLD, new=OWN, address="")
    with pytest.raises(LinkGone):  # who came second is told: another password ends links too
        reset.result(60)
    assert signed_in(door, OWN)


def test_a_link_leaves_no_session_behind_the_next_one(any_ledger: Ledger, bob: User, meet: Meet) -> None:
    door, code = Door(any_ledger, CHEAP, b"key"), invite_again(any_ledger, bob.id, by=ADMIN)

    def again() -> None:
        join(any_ledger, CHEAP, invite_again(any_ledger, bob.id, by=ADMIN), password=RESET, address="")

    reset = meet(joining, "end_all", again)
    secret = join(any_ledger, CHEAP, code, password=OWN, address="", signed_in_for=door.lifetime)
    reset.result(60)
    assert secret and sessions.find(any_ledger, secret, door.lifetime) is None


@pytest.mark.parametrize("passwords", [CHEAP, STRONGER], ids=["as it is", "hashed anew"])
def test_who_signs_in_while_shut_out_is_in_nobodys_way(
    any_ledger: Ledger, bob: User, meet: Meet, passwords: Passwords
) -> None:
    door = Door(any_ledger, passwords, b"key")
    shut = meet(sign_in, "still_so", lambda: change_user(any_ledger, bob.id, disabled=True, by=ADMIN))
    secret = signed_in(door, OLD)
    shut.result(60)
    assert find_user(any_ledger, "bob").disabled
    assert sessions.find(any_ledger, secret, door.lifetime) is None


def test_who_uses_a_link_while_shut_out_is_in_nobodys_way(any_ledger: Ledger, bob: User, meet: Meet) -> None:
    door, code = Door(any_ledger, CHEAP, b"key"), invite_again(any_ledger, bob.id, by=ADMIN)
    shut = meet(joining, "use", lambda: change_user(any_ledger, bob.id, disabled=True, by=ADMIN))
    secret = join(any_ledger, CHEAP, code, password=OWN, address="", signed_in_for=door.lifetime)
    shut.result(60)
    assert secret and sessions.find(any_ledger, secret, door.lifetime) is None


def test_a_token_made_while_its_owner_is_shut_out_counts_no_more(any_ledger: Ledger, bob: User, meet: Meet) -> None:
    def shut_out() -> None:
        change_user(any_ledger, bob.id, disabled=True, by=ADMIN)

    shut = meet(api_tokens, "clock", shut_out)
    _, secret = add_token(any_ledger, bob.id, name="x", scope="read", by=ADMIN)
    shut.result(60)
    change_user(any_ledger, bob.id, disabled=False, by=ADMIN)
    assert find_token(any_ledger, secret) is None
