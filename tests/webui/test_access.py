"""Every address by every method, asked by everybody: who may not is refused, and what has no rule is nobody's."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from catalog.users import ROLES, Role
from tests.webui.doors import CHEAP, Person, let_in
from tests.webui.room import Visitor, visiting
from tests.webui.test_security import CHANGING, address
from webui import access
from webui.access import FREE, RULES
from webui.app import create_app
from webui.config import WebConfig
from webui.errors import PROGRAM_PATHS

WEBUI = Path(access.__file__).parent
# may("decide"), refused("undo", "redo"), needs: "merge", needs: [...], and what the keys of listen(act, { ... }) need.
NEEDED = re.compile(r"""(?:\b(?:may|refused)\(|needs: \[?|listen\([\w.]+, \{|DECIDING = \[)([^)}\];}]*)""")
WHO: tuple[Role | None, ...] = (None, *ROLES)


def may(role: Role | None, endpoint: str) -> bool:
    need = RULES[endpoint]
    return need == "nobody" or (role is not None and ROLES.index(role) >= ROLES.index(need))


def test_every_address_has_a_rule_and_every_rule_an_address(guarded: Flask) -> None:
    assert {rule.endpoint for rule in guarded.url_map.iter_rules()} == RULES.keys()


def test_everybody_is_let_do_what_their_role_may_and_nothing_else(
    guarded: Flask, people: dict[Role, Person], worker: None
) -> None:
    clients = {role: let_in(guarded, people[role].name) if role else visiting(guarded) for role in WHO}
    asked, addresses = 0, guarded.url_map.bind("localhost")
    for rule in guarded.url_map.iter_rules():
        for method in sorted(rule.methods or ()):
            # Two rules of one address share what answers OPTIONS.
            endpoint = addresses.match(address(rule), method)[0]
            assert endpoint == rule.endpoint or method == "OPTIONS"
            for role, client in clients.items():
                ask(client, address(rule), method, allowed=may(role, endpoint), somebody=role is not None)
                asked += 1
    assert asked == len(WHO) * sum(len(rule.methods or ()) for rule in guarded.url_map.iter_rules())
    assert asked > 800


def ask(client: Visitor, path: str, method: str, *, allowed: bool, somebody: bool) -> None:
    """Who may is not refused, who may not is; what is allowed comes without the page's token: nothing changes."""
    kept = client.environ_base.pop("HTTP_X_CSRF_TOKEN", None) if allowed and method in CHANGING else None
    with client.open(path, method=method, json={} if method in CHANGING else None) as answer:
        status, to = answer.status_code, answer.headers.get("Location", "")
        if allowed and method in CHANGING:
            assert status == 400, (method, path, status)  # the token that is missing: it got as far as that
        elif allowed:
            assert status not in (401, 403) and not to.startswith("/login"), (method, path, status)
        elif somebody:
            assert status == 403, (method, path, status)
        elif path.startswith(PROGRAM_PATHS):
            assert (status, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), (method, path)
        else:
            assert status == 303 and to.startswith("/login"), (method, path, status)
    if kept is not None:
        client.environ_base["HTTP_X_CSRF_TOKEN"] = kept


def test_a_page_is_told_what_its_visitor_may_do_by_the_rules_of_the_check(
    guarded: Flask, people: dict[Role, Person]
) -> None:
    for role in ROLES:
        found = re.search(r'<html[^>]* data-may="([^"]*)"', let_in(guarded, people[role].name).get("/").text)
        assert found
        assert {f"api.{name}" for name in found[1].split()} == {
            name for name in RULES if name.startswith("api.") and may(role, name)
        }
    assert 'data-may=""' in visiting(guarded).get("/login").text


def test_what_pages_ask_about_has_a_rule() -> None:
    """A name that is misspelt would hide a control from everybody; that of a template is looked up when it is drawn."""
    asked: set[str] = set()
    for path in (*WEBUI.glob("static/js/**/*.js"), *WEBUI.glob("templates/**/*.html")):
        for listed in NEEDED.findall(path.read_text()):
            asked.update(re.findall(r'"(\w+)"', listed))
    assert len(asked) > 25
    assert {name for name in asked if f"api.{name}" not in RULES} == set()
    assert {name for name in asked if RULES[f"api.{name}"] == "viewer"} == set(), "who looks at a page may do these"


def test_roles_are_what_the_documents_say(guarded: Flask) -> None:
    admins = {name for name, need in RULES.items() if need == "admin"}
    assert {"api.promote", "api.start", "api.add_source", "api.add_user", "api.audit", "users.page"} <= admins
    for rule in guarded.url_map.iter_rules():
        sent = (rule.methods or set()) & CHANGING
        if sent and RULES[rule.endpoint] == "viewer":  # it changes nothing that others see
            assert rule.endpoint in ("api.search", "api.side_by_side", "api.chosen", "account.change", "door.leave")
    assert {name for name, need in RULES.items() if need == "nobody"} == {
        *FREE,
        *("door.page", "door.enter", "links.first", "links.be_first", "links.join_page", "links.be_joined"),
    }


@pytest.mark.parametrize("login", [True, False])
def test_an_address_without_a_rule_is_refused_to_all(
    config: WebConfig, people: dict[Role, Person], login: bool
) -> None:
    app = create_app(replace(config, login=login, passwords=CHEAP))
    app.add_url_rule("/api/v1/forgotten", "forgotten", lambda: "all the secrets")
    client = let_in(app, people["admin"].name) if login else visiting(app)
    answer = client.get("/api/v1/forgotten")
    assert answer.status_code == 403
    assert b"secrets" not in answer.data


def test_probes_tell_nobody_which_part_fails(guarded: Flask, people: dict[Role, Person], worker: None) -> None:
    anonymous = visiting(guarded)
    assert anonymous.get("/readyz").json == {"ok": True}
    assert anonymous.get("/healthz").json == {"ok": True}
    assert set(let_in(guarded, people["viewer"].name).get("/readyz").json["parts"]) >= {"ledger", "index"}
