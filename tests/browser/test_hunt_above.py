"""All above a hunt's line, seen or not: by mouse and by keyboard, stated first, one batch with one undo."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.hunt_double import shown
from tests.browser.running import Site, Watch
from tests.browser.screen import at_once

pytestmark = pytest.mark.browser
Begin = Callable[..., str]
KNOWN = 25
LABEL = "firmament"


@pytest.fixture
def hunt(site: Site, begin: Begin) -> str:
    """A hunt for sky among the unlabelled that knows 25 pictures of it and 40 others."""
    made = begin(LABEL)
    example = site.stack.request("GET", f"/api/v1/hunts/{made}").json()["examples"][0]["image_id"]
    asked = {"image_id": example, "k": 200, "unlabelled": True}
    rows = site.stack.post("/api/v1/search", asked).json()["results"]
    yes = [row["image_id"] for row in rows if row["path"].endswith("-0.jpg")][:KNOWN]
    no = [row["image_id"] for row in rows if not row["path"].endswith("-0.jpg")][:40]
    body = {"key": uuid4().hex, "token": "t", "yes": yes, "no": no}
    answer = site.stack.post(f"/api/v1/hunts/{made}/decisions", body)
    assert (answer.status, answer.json()["applied"]) == (200, KNOWN + 40)
    return made


def carried(site: Site) -> int:
    rows = site.stack.request("GET", "/api/v1/labels").json()["labels"]
    return int(next(row["yes"] for row in rows if row["name"] == LABEL))


def stated(page: Page) -> int:
    """The number on the button that decides."""
    go = page.locator("#whole-go")
    expect(go).to_be_visible()
    found = re.search(r"Label ([\d,]+) pictures?", go.inner_text())
    assert found
    return int(found[1])


def test_by_mouse_all_above_the_line_are_labelled_and_taken_back(page: Page, site: Site, hunt: str) -> None:
    page.goto(f"{site.url}/hunts/{hunt}")
    shown(page)
    page.locator("#above").click()
    dialog = page.locator("#whole-dialog")
    expect(dialog).to_contain_text("above the line")
    expect(dialog).to_contain_text("Nobody has looked at them")
    many = stated(page)
    assert many > 5
    drawn = dialog.locator("#whole-drawn img")
    assert drawn.count() >= min(12, many)
    assert drawn.first.evaluate("e => e.decode().then(() => e.naturalWidth)") > 0
    expect(dialog.get_by_role("radio")).to_have_count(0)  # nothing but a yes can be said here
    assert carried(site) == KNOWN, "nothing is decided before it is agreed to"
    page.wait_for_timeout(350)
    page.locator("#whole-go").click()
    toast = page.locator(".toast").filter(has_text=f"{many} pictures labelled {LABEL}")
    expect(toast).to_be_visible()
    shown(page)
    assert carried(site) == KNOWN + many
    expect(page.locator("#hunt-figures")).to_contain_text(f"{KNOWN + many} found")
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast").filter(has_text="Undone")).to_contain_text(f"{many} pictures as before")
    assert carried(site) == KNOWN


def test_by_keyboard_a_and_enter_label_them_and_escape_does_not(page: Page, site: Site, hunt: str) -> None:
    page.goto(f"{site.url}/hunts/{hunt}")
    shown(page)
    page.wait_for_timeout(350)  # sooner, a key is taken for one that was meant for the page before
    with at_once(page):
        page.keyboard.press("a")
        many = stated(page)
        page.keyboard.press("Enter")  # too soon: it was meant for the page
        expect(page.locator("#whole-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#whole-dialog")).to_be_hidden()
    assert carried(site) == KNOWN
    page.keyboard.press("a")
    assert stated(page) == many
    expect(page.locator("#whole-go")).to_be_focused()
    page.wait_for_timeout(350)
    page.keyboard.press("Enter")
    expect(page.locator(".toast").filter(has_text=f"{many} pictures labelled")).to_be_visible()
    shown(page)
    page.keyboard.press("z")
    expect(page.locator(".toast").filter(has_text="Undone")).to_be_visible()
    assert carried(site) == KNOWN


def test_without_a_line_it_is_said_what_it_takes(page: Page, site: Site, watch: Watch, begin: Begin) -> None:
    watch.expected.append("409")
    page.goto(f"{site.url}/hunts/{begin('hardly begun')}")
    shown(page)
    expect(page.locator("#above")).to_be_hidden()
    page.wait_for_timeout(350)  # sooner, a key is taken for one that was meant for the page before
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("There is no line yet: it takes 20 pictures of the label")
    expect(page.locator("#whole-dialog")).to_be_hidden()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_question_fits_a_window_of_1024(browser: Browser, site: Site, hunt: str, theme: str) -> None:
    context = browser.new_context(viewport={"width": 1024, "height": 768}, color_scheme=theme)  # type: ignore[arg-type]
    page: Any = context.new_page()
    page.goto(f"{site.url}/hunts/{hunt}")
    shown(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024
    page.locator("#above").click()
    expect(page.locator("#whole-go")).to_be_visible()
    box = page.locator("#whole-dialog").bounding_box()
    assert box
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 768
    context.close()
