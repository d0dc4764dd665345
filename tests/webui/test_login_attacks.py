"""What attackers try at the door: planted sessions, guesses, links used twice, other sites and pages."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

import pytest
from flask import Flask

from catalog.api_tokens import add_token
from catalog.audit import everything
from catalog.sign_in_limits import Limits
from catalog.users import Role, add_user, change_user
from tests.webui.doors import CHEAP, PASSWORD, TEST, Person, form_token, joined, knock, let_in, program
from tests.webui.room import Room, Visitor, visiting
from webui.app import create_app
from webui.config import WebConfig


def cookie_of(client: Visitor, app: Flask) -> str:
    """What the browser keeps."""
    kept = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert kept is not None
    return str(kept.value)


def carrying(app: Flask, cookie: str) -> Visitor:
    """Another browser with that cookie."""
    client = visiting(app)
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], cookie)
    return client


def test_a_session_from_before_the_door_is_worth_nothing_after_it(guarded: Flask, people: dict[Role, Person]) -> None:
    client = visiting(guarded)
    client.get("/login")
    planted = cookie_of(client, guarded)
    assert knock(client, people["viewer"].name).status_code == 303
    mine = cookie_of(client, guarded)
    assert mine != planted
    assert carrying(guarded, planted).get("/api/v1/labels").status_code == 401
    assert carrying(guarded, mine).get("/api/v1/labels").status_code == 200
    assert knock(carrying(guarded, planted), people["viewer"].name).status_code == 303
    assert carrying(guarded, planted).get("/api/v1/labels").status_code == 401


def test_a_kept_cookie_is_worth_nothing_after_signing_out(guarded: Flask, people: dict[Role, Person]) -> None:
    client = let_in(guarded, people["viewer"].name)
    kept = cookie_of(client, guarded)
    client.post("/logout")
    assert carrying(guarded, kept).get("/api/v1/labels").status_code == 401


def test_the_cookies_flags(config: WebConfig, people: dict[Role, Person]) -> None:
    for https in (False, True):
        app = create_app(replace(config, login=True, passwords=CHEAP, https=https))
        client = visiting(app)
        page = client.get("/login", base_url="https://localhost")
        data = {"csrf_token": form_token(page.get_data(as_text=True)), "name": people["viewer"].name}
        answer = client.post("/login", base_url="https://localhost", data={**data, "password": PASSWORD})
        name, *flags = answer.headers["Set-Cookie"].split("; ")
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
        assert not any(flag.startswith("Domain") for flag in flags)
        assert ("Secure" in flags, name.startswith("__Host-")) == (https, https)


def test_a_used_link_is_refused_also_to_two_at_once(guarded: Flask, room: Room) -> None:
    _, code = add_user(room.ledger, "raced for", role="viewer", by=TEST)
    browsers = [visiting(guarded) for _ in range(4)]
    forms = [form_token(one.get("/join", query_string={"code": code}).get_data(as_text=True)) for one in browsers]
    start, statuses = threading.Barrier(len(browsers)), []

    def use(client: Visitor, token: str) -> None:
        start.wait()
        data = {"csrf_token": token, "code": code, "password": PASSWORD, "again": PASSWORD}
        statuses.append(client.post("/join", data=data).status_code)

    threads = [threading.Thread(target=use, args=pair) for pair in zip(browsers, forms, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 410, 410, 410]


def test_who_is_shut_out_is_out_at_once(guarded: Flask, people: dict[Role, Person], room: Room) -> None:
    person = joined(room.ledger, "shut out", "labeller")
    client = let_in(guarded, person.name)
    _, secret = add_token(room.ledger, person.id, name="x", scope="read", by=TEST)
    script = program(guarded, secret)
    assert client.get("/api/v1/labels").status_code == script.get("/api/v1/labels").status_code == 200
    change_user(room.ledger, person.id, disabled=True, by=TEST)
    assert client.get("/api/v1/labels").status_code == script.get("/api/v1/labels").status_code == 401
    assert knock(visiting(guarded), person.name).status_code == 403
    change_user(room.ledger, person.id, disabled=False, by=TEST)
    assert client.get("/api/v1/labels").status_code == 401  # that session is over
    assert script.get("/api/v1/labels").status_code == 401  # and so is that token


def test_another_role_counts_at_once(guarded: Flask, room: Room) -> None:
    person = joined(room.ledger, "made less", "labeller")
    client = let_in(guarded, person.name)
    change_user(room.ledger, person.id, role="viewer", by=TEST)
    assert client.post("/api/v1/labels", json={"name": "no more"}).status_code == 403


def test_the_last_admin_stays(guarded: Flask, people: dict[Role, Person]) -> None:
    admin = let_in(guarded, people["admin"].name)
    for body in ({"disabled": True}, {"role": "viewer"}):
        answer = admin.patch(f"/api/v1/users/{people['admin'].id}", json=body)
        assert (answer.status_code, answer.json["error"]["code"]) == (409, "last_admin")


@pytest.mark.parametrize("path", ["/login", "/logout", "/account", "/first", "/join"])
def test_no_other_site_can_send_the_doors_forms(guarded: Flask, people: dict[Role, Person], path: str) -> None:
    client = let_in(guarded, people["viewer"].name)
    del client.environ_base["HTTP_X_CSRF_TOKEN"]
    for token in ("", form_token(visiting(guarded).get("/login").get_data(as_text=True))):
        answer = client.post(path, data={"csrf_token": token, "name": people["viewer"].name, "password": PASSWORD})
        assert answer.status_code == 400, token
    assert client.get("/api/v1/labels").status_code == 200


@pytest.mark.parametrize(
    "to",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)"),
        *(
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "evil.example",
            "///evil.example",
            "/%0d%0aX: y\r\n",
        ),
    ],
)
def test_the_door_leads_to_no_other_site(guarded: Flask, people: dict[Role, Person], to: str) -> None:
    client = visiting(guarded)
    assert knock(client, people["viewer"].name, to=to).headers["Location"] == "/"
    assert client.get("/login", query_string={"next": to}).headers["Location"] == "/"


def test_a_token_in_the_address_is_none(guarded: Flask, people: dict[Role, Person], room: Room) -> None:
    _, secret = add_token(room.ledger, people["admin"].id, name="in the address", scope="read", by=TEST)
    anonymous = visiting(guarded)
    for name in ("token", "access_token", "api_key", "Authorization"):
        assert anonymous.get("/api/v1/labels", query_string={name: secret}).status_code == 401
    assert anonymous.get("/api/v1/labels", headers={"Authorization": f"Basic {secret}"}).status_code == 401
    for wrong in (secret[:-1], secret + "x", "ruiji_", secret.upper()):
        assert program(guarded, wrong).get("/api/v1/labels").status_code == 401
    assert program(guarded, secret).get("/api/v1/labels").status_code == 200


def test_guessing_is_limited_by_name_and_by_address(config: WebConfig, room: Room) -> None:
    person = joined(room.ledger, "guessed at", "viewer")
    limits = Limits(name_and_address=3, address=6, name=5)
    app = create_app(replace(config, login=True, passwords=CHEAP, sign_in_limits=limits, proxies=1))

    def guess(name: str, address: str, password: str = "wrong, and long enough") -> int:
        client = visiting(app)
        client.environ_base["HTTP_X_FORWARDED_FOR"] = (
            f"6.6.6.6, {address}"  # the first is what the client says of itself
        )
        return int(knock(client, name, password=password).status_code)

    assert [guess(person.name, "192.0.2.1") for _ in range(4)] == [403, 403, 403, 429]
    assert guess(person.name, "192.0.2.1", PASSWORD) == 429  # not even the right one is looked at
    assert guess(person.name, "192.0.2.2", PASSWORD) == 303
    assert [guess(person.name, f"192.0.2.{at}") for at in (3, 4, 5)] == [403, 403, 429]
    assert [guess(f"nobody {at}", "198.51.100.7") for at in range(7)] == [403] * 6 + [429]
    assert guess("nobody of all", "198.51.100.8") == 403
    assert {
        one.address for one in everything(room.ledger) if one.target == person.name and one.outcome == "refused"
    } == {f"192.0.2.{at}" for at in (1, 3, 4)}


def test_a_forwarded_address_is_not_believed_without_a_proxy(guarded: Flask, room: Room) -> None:
    client = visiting(guarded)
    client.environ_base["HTTP_X_FORWARDED_FOR"] = "203.0.113.77"
    assert knock(client, "who says to be elsewhere").status_code == 403
    assert not any(one.address == "203.0.113.77" for one in everything(room.ledger))


def test_the_answer_does_not_tell_whether_there_is_such_a_user(guarded: Flask, people: dict[Role, Person]) -> None:
    said = []
    for name in (people["viewer"].name, "x viewer"):
        answer = knock(visiting(guarded), name, password="not the password")
        said.append(
            (answer.status_code, form_token(answer.get_data(as_text=True)) and "do not go together" in answer.text)
        )
    assert said == [(403, True)] * 2


def test_somebody_elses_page_writes_nothing_in_my_name(guarded: Flask, people: dict[Role, Person]) -> None:
    client = let_in(guarded, people["labeller"].name)
    for user, status in (("a%20admin", 409), ("a%20labeller", 201)):
        answer = client.post("/api/v1/labels", json={"name": "whose"}, headers={"X-Ruiji-User": user})
        assert answer.status_code == status


def test_no_secret_is_written_anywhere(
    guarded: Flask, people: dict[Role, Person], room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        admin = let_in(guarded, people["admin"].name)
        made = admin.post(
            "/api/v1/tokens", json={"user": people["admin"].id, "name": "kept out", "scope": "admin"}
        ).json
        link = admin.post("/api/v1/users", json={"name": "kept out", "role": "viewer"}).json["link"]
        visiting(guarded).get(link)
        program(guarded, made["secret"]).get("/api/v1/labels")
        knock(visiting(guarded), PASSWORD)  # typed into the wrong field
        cookie = cookie_of(admin, guarded)
    written = caplog.text + "".join(map(str, everything(room.ledger)))
    for secret in (PASSWORD, made["secret"], link.partition("=")[2], cookie):
        assert secret not in written
    assert "unknown name " in written
