"""Hostile texts on every page, in a real browser: shown as text, and nothing of them runs or loads."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page

from tests.attacks.speaking import Attacker
from tests.attacks.tally import Tally
from tests.attacks.texts import PAGES, TEMPLATES
from tests.chromium import PATIENCE_MS
from tests.stack import Stack

pytestmark = pytest.mark.browser
WATCH = """
window.reports = [];
addEventListener("securitypolicyviolation", (event) => {
  window.reports.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""
SHOWN = [*PAGES, *TEMPLATES]
SHOWING = ("/labels", "/hunts")  # the others show them in what a person opens first


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(WATCH)
    yield page
    page.close()


@pytest.fixture(scope="module")
def addresses(stack: Stack, attacker: Attacker) -> list[str]:
    """Pages that show labels, groups, hunts and photos with hostile names."""
    found = attacker.post("/api/v1/search", {"image_id": 1, "k": 100}).json()["results"]
    images = [one["image_id"] for one in found if "/hostile/" in one["path"]]
    hunt = ""
    for number, text in enumerate(SHOWN):
        made = attacker.post(
            "/api/v1/labels/decisions",
            {"key": f"page {number}", "label": text, "decision": "yes", "image_ids": images[number % 8 :: 8]},
        )
        assert made.status == 200, made.body
        hunt = attacker.post(
            "/api/v1/hunts", {"label": text, "name": text, "examples": [{"image_id": images[0]}]}
        ).json()["id"]
    labels = attacker.get("/api/v1/labels").json()["labels"]
    grouped = next(row["id"] for row in labels if row["name"] == SHOWN[0])
    changed = attacker.put_json("PATCH", f"/api/v1/labels/{grouped}", {"group": SHOWN[1], "exclusive": False})
    assert changed.status == 200, changed.body
    return [
        "/",
        "/labels",
        f"/labels/{grouped}",
        "/labels/history",
        "/hunts",
        f"/hunts/{hunt}",
        "/export",
        "/jobs",
        "/map",
    ]


def attacked(page: Page) -> list[str]:
    """What ran, what the policy had to stop, and elements that only a text could have made."""
    ran = page.evaluate("[window.ran === undefined ? [] : ['a script ran'], window.reports].flat()")
    made = page.evaluate(
        "[...document.querySelectorAll('[onerror], [onload], [onfocus], [ontoggle], base, iframe, script:not([src])')]"
        ".map((one) => one.outerHTML.slice(0, 200))"
    )
    return [*ran, *made]


def shown(page: Page) -> str:
    """All texts of a page, those in fields and in hints too."""
    values = page.evaluate(
        "[...document.querySelectorAll('input, [title], [aria-label]')].map((one) => "
        "`${one.value} ${one.title} ${one.getAttribute('aria-label')}`).join(' ')"
    )
    return f"{page.locator('body').inner_text()} {values}"


def test_no_page_runs_a_text(page: Page, stack: Stack, addresses: list[str], tally: Tally) -> None:
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    for address in addresses:
        page.goto(f"http://127.0.0.1:{stack.port}{address}", wait_until="load")
        page.wait_for_timeout(250)
        if address.startswith(SHOWING):
            until = time.monotonic() + PATIENCE_MS / 1000
            while not any(one in shown(page) for one in SHOWN):
                assert time.monotonic() < until, f"no text is on {address}"
                page.wait_for_timeout(50)
        assert address != "/labels" or "{{7*7}}" in shown(page), "a template is shown, not filled in"
        assert attacked(page) == [] and dialogs == [], address
    tally["injections"] += len(SHOWN) * len(addresses)
    tally["pages"] += len(addresses)


def test_results_show_the_names_of_photos_as_text(page: Page, stack: Stack, addresses: list[str], tally: Tally) -> None:
    page.goto(f"http://127.0.0.1:{stack.port}/")
    page.locator(".sample").first.click()
    page.locator(".tile").first.wait_for()
    page.wait_for_timeout(300)
    assert attacked(page) == []
    tally["pages"] += 1


def settled(page: Page, condition: str) -> None:
    """Wait for something in a page whose policy lets nobody evaluate a text in it, Playwright included."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(condition):
        assert time.monotonic() < until, condition
        page.wait_for_timeout(50)


def test_a_text_that_becomes_markup_is_seen(page: Page, stack: Stack, addresses: list[str]) -> None:
    """The control: the same text put into the same page as markup, once stopped by the policy and once without it."""
    page.goto(f"http://127.0.0.1:{stack.port}/export")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=window.ran=1>')")
    settled(page, "window.reports.length > 0")
    assert len(attacked(page)) >= 2
    page.set_content("<p></p>")
    page.goto("about:blank")
    page.evaluate("document.body.innerHTML = '<img src=x onerror=window.ran=1>'")
    settled(page, "window.ran === 1")
    assert "a script ran" in attacked(page)
