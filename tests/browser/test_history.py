"""The history page: who, when, how many and what; undo and redo by mouse and by keyboard; where people disagree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from catalog.labels import Decision, ensure_label, record
from catalog.ledger import Ledger
from tests.browser.running import Site, labels_of

pytestmark = pytest.mark.browser


@pytest.fixture
def ledger(site: Site) -> Iterator[Ledger]:
    """The site's own, for decisions of other people than the one at the page."""
    [file] = site.stack.home.glob("*.db")
    opened = Ledger.open(f"sqlite:///{file}")
    yield opened
    opened.close()


@pytest.fixture
def images(site: Site) -> Iterator[list[int]]:
    """Four pictures without a label, and afterwards again."""
    asked = site.stack.post("/api/v1/search", {"image_id": 1, "k": 4, "unlabelled": True}).json()
    before = newest(site)["id"]
    yield [row["image_id"] for row in asked["results"]]
    for batch in site.stack.request("GET", "/api/v1/batches?limit=100").json()["batches"]:
        if batch["id"] > before and batch["kind"] == "decide" and not batch["undone"]:
            site.stack.post(f"/api/v1/batches/{batch['id']}/undo", {"key": uuid4().hex})


def newest(site: Site) -> dict[str, Any]:
    return dict(site.stack.request("GET", "/api/v1/batches?limit=1").json()["batches"][0])


def decide(site: Site, label: str, image_ids: list[int], decision: str = "yes") -> int:
    body = {"key": uuid4().hex, "label": label, "decision": decision, "image_ids": image_ids}
    return int(site.stack.post("/api/v1/labels/decisions", body).json()["batch"])


def line(page: Page, batch: int) -> Locator:
    return page.locator(f'tr[data-batch="{batch}"]')


def test_by_keyboard_a_batch_is_undone_and_done_again(page: Page, site: Site, images: list[int]) -> None:
    batch = decide(site, "back and forth", images)
    page.goto(f"{site.url}/labels/history")
    row = line(page, batch)
    expect(row).to_contain_text("local")
    expect(row).to_contain_text("back and forth")
    expect(row.locator("td.number").first).to_have_text("4")
    row.get_by_role("button", name="Undo: back and forth").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Undone: 4 pictures as before")
    redo = row.get_by_role("button", name="Redo: back and forth")
    expect(redo).to_be_focused()
    assert labels_of(site, images[0]) == set()
    page.keyboard.press("Enter")
    expect(page.locator(".toast").last).to_contain_text("Done again: 4 pictures")
    assert labels_of(site, images[0]) == {"back and forth"}
    expect(row.get_by_role("button", name="Undo: back and forth")).to_be_focused()


def test_one_thing_is_undone_and_done_again_by_one_button(page: Page, site: Site, images: list[int]) -> None:
    batch = decide(site, "one button", images)
    page.goto(f"{site.url}/labels/history")
    mine = page.locator("tr[data-batch]", has_text="one button")
    for rows, name in ((2, "Undo"), (3, "Redo"), (4, "Undo"), (5, "Redo")):
        line(page, batch).get_by_role("button", name=f"{name}: one button").click()
        expect(mine).to_have_count(rows)
        expect(mine.locator(".turn")).to_have_count(1)
        expect(line(page, batch).locator(".turn")).to_have_count(1)
    # Where the batch itself is not in the list, what took it back last can be turned.
    shown = site.stack.request("GET", "/api/v1/batches?limit=5").json()
    later = [one for one in shown["batches"] if one["id"] != batch][:1]
    page.route(re.compile(r"/batches\?"), lambda route: route.fulfill(json={**shown, "batches": later}))
    page.reload()
    expect(page.locator("tr[data-batch]")).to_have_count(1)
    expect(page.locator(".turn")).to_have_count(1)


def test_what_was_decided_since_stays_and_is_counted(page: Page, site: Site, images: list[int]) -> None:
    batch = decide(site, "first thought", images)
    decide(site, "first thought", images[:1], "no")
    page.goto(f"{site.url}/labels/history")
    line(page, batch).get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Undone: 3 pictures as before; 1 decision left: decided anew since")


def test_a_batch_is_looked_into(page: Page, site: Site, images: list[int]) -> None:
    batch = decide(site, "looked into", images)
    page.goto(f"{site.url}/labels/history")
    show = line(page, batch).get_by_role("button", name="Show")
    show.click()
    detail = page.locator("tr.detail")
    expect(detail.locator("figure")).to_have_count(4)
    expect(detail.locator("img").first).to_have_js_property("complete", True)
    assert detail.locator("img").first.evaluate("e => e.naturalWidth") > 0
    line(page, batch).get_by_role("button", name="Hide").click()
    expect(detail).to_have_count(0)


def test_people_who_disagree_are_named_with_their_pictures(
    page: Page, site: Site, ledger: Ledger, images: list[int]
) -> None:
    label = ensure_label(ledger, "disputed")
    made = [Decision(image_id, label.id, "yes") for image_id in images]
    hers = record(ledger, key=uuid4().hex, author="anna & <i>co</i>", decisions=made).batch_id
    mine = decide(site, "disputed", images[:2], "no")
    page.goto(f"{site.url}/labels/history")
    expect(line(page, mine).locator(".clash")).to_have_text("2 otherwise than anna & <i>co</i>")
    expect(line(page, hers).locator(".clash")).to_have_text("2 since decided otherwise by local")
    expect(line(page, mine)).to_contain_text("not disputed")
    line(page, hers).get_by_role("button", name="Show").click()
    first = page.locator("tr.detail figure").first
    expect(first).to_contain_text("anna & <i>co</i> disputed")
    expect(first).to_contain_text("local not disputed")
    page.locator("#who").select_option("anna & <i>co</i>")
    expect(line(page, mine)).to_have_count(0)
    expect(line(page, hers)).to_have_count(1)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_history_fits_a_window_of_1024(browser: Browser, site: Site, images: list[int], theme: str) -> None:
    decide(site, "an uncommonly long name that nobody would think of" * 2, images)
    context = browser.new_context(viewport={"width": 1024, "height": 768}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{site.url}/labels/history")
    page.get_by_role("button", name="Show").first.click()
    expect(page.locator("tr.detail figure").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024
    assert page.locator(".table-wrap").evaluate("e => e.scrollWidth - e.clientWidth") == 0
    context.close()


def test_a_batch_is_undone_however_far_back_the_list_was_opened(page: Page, site: Site, images: list[int]) -> None:
    batch = decide(site, "long ago", images)
    shown = site.stack.request("GET", "/api/v1/batches?limit=1").json()
    older = {**shown, "batches": [{**shown["batches"][0], "id": 10**6}] * 50}
    page.route(re.compile(r"/batches\?.*offset=(?!0(&|$))"), lambda route: route.fulfill(json=older))
    page.route(
        re.compile(r"/batches\?limit=50&offset=0"),
        lambda route: route.fulfill(json={**shown, "batches": shown["batches"] + older["batches"][1:]}),
    )
    page.goto(f"{site.url}/labels/history")
    for many in range(100, 1100, 50):
        page.locator("#more").click()
        expect(page.locator("tr[data-batch]")).to_have_count(many)
    line(page, batch).get_by_role("button", name="Undo: long ago").click()
    expect(page.locator(".toast")).to_contain_text("Undone: 4 pictures as before")
    expect(line(page, batch)).to_contain_text("undone")
