"""Every screen answers, whatever else is down, with its token and without anything inline."""

from __future__ import annotations

import re

import pytest

from tests.webui.room import Visitor, visiting
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
    from dataclasses import replace

    from webui.app import create_app

    page = visiting(create_app(replace(config, query_timeout_s=query_timeout_s))).get("/").get_data(as_text=True)
    found = re.search(r'data-patience-s="([0-9.]+)"', page)
    assert found
    assert float(found[1]) >= query_timeout_s + 10
