"""Every screen answers, whatever else is down, with its token and without anything inline."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.util import find_spec

import pytest
from flask import Flask

from catalog.users import Role
from tests.webui.doors import Person, let_in
from tests.webui.room import Visitor, visiting
from webui.app import create_app
from webui.config import WebConfig


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/hunts",
        "/hunts/abcdefghijklmnopqrstuv",
        "/labels",
        "/labels/1",
        "/labels/history",
        "/jobs",
        "/encoders",
        "/no/such/page",
    ],
)
def test_a_screen_is_served_with_its_token_and_nothing_inline(brokerless: Visitor, path: str) -> None:
    answer = brokerless.get(path)
    assert answer.status_code == (404 if "no/such" in path else 200)
    assert answer.mimetype == "text/html"
    page = answer.get_data(as_text=True)
    assert re.search(r'name="csrf-token"\s+content="[^"]{40,}"', page)
    assert not re.search(r"<script(?![^>]*\ssrc=)", page), "the policy forbids inline scripts"
    assert not re.search(r"\s(style|on[a-z]+)=", page), "the policy forbids inline styles and handlers"
    assert not re.search(r'(src|href)="(https?:)?//', page), "nothing is loaded from elsewhere"
    assert 'rel="preload"' not in page, (
        "from the second page on the font is in memory, and a browser warns of the waste"
    )


@pytest.mark.parametrize("query_timeout_s", [8.0, 60.0])
def test_the_page_waits_longer_for_a_search_than_the_server_does(config: WebConfig, query_timeout_s: float) -> None:
    page = visiting(create_app(replace(config, query_timeout_s=query_timeout_s))).get("/").get_data(as_text=True)
    found = re.search(r'data-patience-s="([0-9.]+)"', page)
    assert found
    assert float(found[1]) >= query_timeout_s + 10


def test_the_command_of_an_export_names_the_home_to_admins_alone(
    config: WebConfig, guarded: Flask, people: dict[Role, Person]
) -> None:
    elsewhere = replace(config, shell_home="/srv/ruiji's <home>")
    there = 'data-home="/srv/ruiji&#39;s &lt;home&gt;"'
    assert there in visiting(create_app(elsewhere)).get("/export").text, "without a login everybody is an admin"
    assert 'data-home=""' in visiting(create_app(config)).get("/export").text
    of_many = create_app(replace(elsewhere, login=True, passwords=guarded.extensions["ruiji"].config.passwords))
    for role in ("admin", "labeller", "viewer"):
        page = let_in(of_many, people[role].name).get("/export").text
        assert (there in page) == (role == "admin"), role


@pytest.mark.parametrize("lacking", ["openTSNE", "sklearn", ""])
def test_the_map_says_what_drawing_lacks_before_it_is_asked_for(
    config: WebConfig, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_spec("json")
    monkeypatch.setattr("webui.maps.find_spec", lambda name: None if name == lacking else found)
    page = visiting(create_app(replace(config, draws_maps=True))).get("/map").text
    assert ("say `make maps`" in page) == bool(lacking)
    elsewhere = visiting(create_app(replace(config, draws_maps=False))).get("/map").text
    assert 'data-missing=""' in elsewhere, "what workers of other machines have, this one does not know"


def test_a_page_without_a_login_says_so_as_long_as_it_has_none(
    app: Flask, guarded: Flask, people: dict[Role, Person]
) -> None:
    assert "RUIJI_LOGIN changes that" in visiting(app).get("/users").text, "there are users by now"
    assert "RUIJI_LOGIN" not in let_in(guarded, people["admin"].name).get("/users").text
