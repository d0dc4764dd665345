"""People with roles for the tests of the login, and their way in; their passwords are hashed cheaply, here alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher
from flask import Flask

from catalog.audit import By
from catalog.joining import join
from catalog.ledger import Ledger
from catalog.passwords import Passwords
from catalog.users import Role, add_user
from tests.webui.room import Visitor, visiting

CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
PASSWORD = "a horse, a battery, a staple"
TEST = By("a test")


@dataclass(frozen=True)
class Person:
    """A user who can sign in with `PASSWORD`."""

    id: int
    name: str


def joined(ledger: Ledger, name: str, role: Role) -> Person:
    """A new user who has chosen the password."""
    made, code = add_user(ledger, name, role=role, by=TEST)
    join(ledger, CHEAP, code, password=PASSWORD, address="")
    return Person(made.id, made.name)


def form_token(page: str) -> str:
    """The token in a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def knock(client: Visitor, name: str, *, password: str = PASSWORD, to: str = "") -> Any:
    """Fill in the form at the door and send it; the answer as it comes."""
    token = form_token(client.get("/login").get_data(as_text=True))
    return client.post("/login", data={"csrf_token": token, "name": name, "password": password, "next": to})


def let_in(app: Flask, name: str, *, address: str = "") -> Visitor:
    """A browser in which somebody has signed in, and that sends its page's token along as the page does.

    `address`: where it is, as a proxy says; failures at this machine's own are other tests' as well.
    """
    client = visiting(app)
    if address:
        client.environ_base["HTTP_X_FORWARDED_FOR"] = address
    assert knock(client, name).status_code == 303
    client.environ_base["HTTP_X_CSRF_TOKEN"] = client.get("/api/v1/token").json["token"]
    return client


def program(app: Flask, secret: str) -> Visitor:
    """A program that signs its requests with a token, and keeps no cookie."""
    client = Visitor(app, app.response_class, use_cookies=False)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client
