"""Signing in and out, one-time links, accounts and tokens, as a browser and a program meet them."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask

from catalog import label_history
from catalog.api_tokens import add_token
from catalog.audit import recent
from catalog.joining import first_code
from catalog.ledger import Ledger
from catalog.sessions import Lifetime
from catalog.users import Role, add_user
from tests.webui.doors import CHEAP, PASSWORD, TEST, Person, form_token, joined, knock, let_in, program
from tests.webui.room import Room, Visitor, visiting
from webui.app import create_app
from webui.config import WebConfig

NEW = "another horse and another staple"


def link(client: Visitor, path: str, code: str, **fields: str) -> int:
    """Open a one-time link, fill its form in, and send it; the last status."""
    page = client.get(path, query_string={"code": code})
    if page.status_code != 200:
        return int(page.status_code)
    values = {
        "csrf_token": form_token(page.get_data(as_text=True)),
        "code": code,
        "password": PASSWORD,
        "again": PASSWORD,
    }
    return int(client.post(path, data={**values, **fields}).status_code)


def test_a_signed_in_persons_decisions_are_theirs(guarded: Flask, people: dict[Role, Person], room: Room) -> None:
    client, token = let_in(guarded, people["labeller"].name), ""
    made, token = add_token(room.ledger, people["labeller"].id, name="a script", scope="label", by=TEST)
    image = room.unlabelled_ids[0]
    for key, who in (("by-hand", client), ("by-program", program(guarded, token))):
        body = {"key": f"{key}-{made.id}", "label": "signed", "decision": "yes", "image_ids": [image]}
        answer = who.post("/api/v1/labels/decisions", json=body)
        assert answer.status_code == 200, answer.json
        assert label_history.one_batch(room.ledger, answer.json["batch"]).author == people["labeller"].name
        undone = who.post(f"/api/v1/batches/{answer.json['batch']}/undo", json={"key": f"undo-{key}-{made.id}"})
        assert undone.status_code == 200


def test_the_page_says_who_is_signed_in_and_lets_them_out(guarded: Flask, people: dict[Role, Person]) -> None:
    client = let_in(guarded, people["viewer"].name)
    page = client.get("/").get_data(as_text=True)
    assert people["viewer"].name in page and "Sign out" in page and 'href="/users"' not in page
    assert 'href="/users"' in let_in(guarded, people["admin"].name).get("/").get_data(as_text=True)
    assert client.post("/logout").headers["Location"] == "/login"
    assert client.get("/api/v1/labels").status_code == 401


def test_the_door_leads_to_where_one_was_going(guarded: Flask, people: dict[Role, Person]) -> None:
    client = visiting(guarded)
    sent = client.get("/hunts?filter=a%26b").headers["Location"]
    token = form_token(client.get(sent).get_data(as_text=True))
    to = "/hunts?filter=a%26b"
    data = {"csrf_token": token, "name": people["viewer"].name, "password": PASSWORD, "next": to}
    assert client.post("/login", data=data).headers["Location"] == to
    assert client.get(sent).headers["Location"] == to  # in already


def test_the_first_admin_comes_by_the_printed_link_and_nobody_after(
    config: WebConfig, tmp_path_factory: object
) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('first')}/ledger.db")  # type: ignore[attr-defined]
    app = create_app(replace(config, ledger=ledger, login=True, passwords=CHEAP))
    first, replaced = first_code(ledger), first_code(ledger)
    assert first and replaced
    assert visiting(app).get("/first", query_string={"code": first}).status_code == 410  # the newer one counts
    client = visiting(app)
    assert link(client, "/first", replaced, name="anna", again="something else altogether") == 400
    assert link(client, "/first", replaced, name="local") == 400  # nobody's name
    assert link(client, "/first", replaced, name="anna", password="short", again="short") == 400
    assert link(client, "/first", replaced, name="anna") == 303
    assert client.get("/api/v1/users").json["users"][0]["role"] == "admin"
    assert link(visiting(app), "/first", replaced, name="eve") == 410
    assert first_code(ledger) is None
    ledger.close()


def test_an_added_user_chooses_a_password_by_link(guarded: Flask, people: dict[Role, Person], room: Room) -> None:
    admin = let_in(guarded, people["admin"].name)
    made = admin.post("/api/v1/users", json={"name": "Zoë", "role": "labeller"})
    assert made.status_code == 201 and not made.json["user"]["joined"]
    path, _, code = made.json["link"].partition("?code=")
    client = visiting(guarded)
    assert link(client, path, code, password="Zoë", again="Zoë") == 400
    assert link(client, path, code) == 303
    assert client.get("/account").status_code == 200
    assert link(visiting(guarded), path, code) == 410
    assert admin.post("/api/v1/users", json={"name": "ZOË", "role": "viewer"}).status_code == 400  # the same name
    again = admin.post(f"/api/v1/users/{made.json['user']['id']}/link").json["link"].partition("?code=")[2]
    assert link(visiting(guarded), "/join", again, password=NEW, again=NEW) == 303
    assert client.get("/account").status_code == 303  # the password was set anew: that session has ended
    assert knock(visiting(guarded), "zoë").status_code == 403
    assert knock(visiting(guarded), " zoë ", password=NEW).status_code == 303


def test_a_password_is_changed_and_other_sessions_end(guarded: Flask, room: Room) -> None:
    person = joined(room.ledger, "changes their password", "viewer")
    here, elsewhere = let_in(guarded, person.name), let_in(guarded, person.name)
    fields = {"old": PASSWORD, "password": NEW, "again": NEW}
    assert here.post("/account", data={**fields, "old": "a wrong one, long enough"}).status_code == 400
    assert here.post("/account", data={**fields, "again": PASSWORD}).status_code == 400
    assert here.post("/account", data=fields).status_code == 303
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    assert knock(visiting(guarded), person.name).status_code == 403


def test_a_session_ends_by_itself(config: WebConfig, people: dict[Role, Person]) -> None:
    for lifetime in (Lifetime(idle_s=-1.0), Lifetime(most_s=-1.0)):
        app = create_app(replace(config, login=True, passwords=CHEAP, session_lifetime=lifetime))
        client = visiting(app)
        assert knock(client, people["viewer"].name).status_code == 303
        assert client.get("/api/v1/labels").status_code == 401


def test_tokens_do_what_their_scope_and_their_owner_may(guarded: Flask, people: dict[Role, Person]) -> None:
    admin = let_in(guarded, people["admin"].name)

    def made(user: Role, scope: str) -> Visitor:
        body = {"user": people[user].id, "name": f"{user} {scope}", "scope": scope, "days": 1}
        answer = admin.post("/api/v1/tokens", json=body)
        assert answer.status_code == 201, answer.json
        return program(guarded, answer.json["secret"])

    reads, labels = made("admin", "read"), made("labeller", "label")
    assert reads.get("/api/v1/labels").status_code == labels.get("/api/v1/labels").status_code == 200
    assert reads.post("/api/v1/labels", json={"name": "by a token"}).status_code == 403
    assert labels.post("/api/v1/labels", json={"name": "by a token"}).status_code == 201
    assert labels.get("/api/v1/users").status_code == 403
    too_much = {"user": people["viewer"].id, "name": "x", "scope": "admin"}
    assert admin.post("/api/v1/tokens", json=too_much).status_code == 400
    tokens = admin.get("/api/v1/tokens").json["tokens"]
    assert "secret" not in tokens[0] and "digest" not in tokens[0]
    [mine] = [one["id"] for one in tokens if one["name"] == "labeller label"]
    assert admin.delete(f"/api/v1/tokens/{mine}").status_code == 204
    assert labels.get("/api/v1/labels").status_code == 401


def test_what_others_have_to_know_is_noted(guarded: Flask, people: dict[Role, Person], room: Room) -> None:
    admin, labeller = let_in(guarded, people["admin"].name), let_in(guarded, people["labeller"].name)
    user, _ = add_user(room.ledger, "noted", role="viewer", by=TEST)
    assert admin.patch(f"/api/v1/users/{user.id}", json={"role": "labeller"}).status_code == 200
    body = {"key": "noted", "label": "noted", "decision": "yes", "image_ids": room.unlabelled_ids[1:2]}
    batch = labeller.post("/api/v1/labels/decisions", json=body).json["batch"]
    admin.post(f"/api/v1/batches/{batch}/undo", json={"key": "noted undo"})
    with admin.get("/api/v1/export?format=csv") as export:
        assert export.status_code == 200
    admin.post("/logout")
    lines = [(one.action, one.actor, one.target) for one in recent(room.ledger, limit=6)]
    assert lines[:4] == [
        ("sign-out", "a admin", "a admin"),
        ("export", "a admin", lines[1][2]),
        ("undo of another's", "a admin", f"batch {batch} of a labeller"),
        ("role changed", "a admin", "noted: viewer to labeller"),
    ]
    shown = let_in(guarded, people["admin"].name).get("/api/v1/audit?limit=3").json["events"]
    assert [one["action"] for one in shown] == ["sign-in", "sign-out", "export"]
    older = let_in(guarded, people["admin"].name).get(f"/api/v1/audit?limit=1&before={shown[-1]['id']}").json["events"]
    assert older[0]["action"] == "undo of another's"


def test_without_login_all_is_as_it_was(app: Flask, room: Room) -> None:
    client = visiting(app)
    assert client.get("/").status_code == 200
    assert "Sign out" not in client.get("/").get_data(as_text=True)
    assert client.get("/login").headers["Location"] == "/"
    assert "No accounts here" in client.get("/account").get_data(as_text=True)
