"""Acting on all that match, seen or not: by mouse and by keyboard, with the number stated first and one undo."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.running import Site, Watch, labels_of, without_label
from tests.browser.screen import counts, first_held, image_ids, offer, only_unlabelled, selected, to_the_end

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _as_before(site: Site) -> Iterator[None]:
    """What a test decides is taken back: others count what has no label."""

    def batches() -> list[dict[str, Any]]:
        return list(site.stack.request("GET", "/api/v1/batches?limit=100").json()["batches"])

    before = {batch["id"] for batch in batches()}
    yield
    for batch in batches():
        if batch["id"] not in before and batch["kind"] == "decide" and not batch["undone"]:
            site.stack.post(f"/api/v1/batches/{batch['id']}/undo", {"key": f"after the test {batch['id']}"})


@pytest.fixture
def unlabelled(results: Callable[[], Page]) -> Page:
    """The 60 nearest of what has no label: all selected by hand."""
    return all_unlabelled(results())


def all_unlabelled(page: Page) -> Page:
    only_unlabelled(page)
    page.keyboard.press("Control+a")
    assert counts(page) == (60, 60)
    return page


def test_by_mouse_all_that_match_are_stated_labelled_and_taken_back(unlabelled: Page, site: Site) -> None:
    page, many = unlabelled, without_label(site)
    assert offer(page) == many > 60
    page.locator("#whole-offer").get_by_role("button").click()
    expect(page.locator("#whole-offer")).to_contain_text(f"All {many} that match are selected")
    assert counts(page) == (many, many)
    first, second = image_ids(page)[:2]
    page.locator('.tile[data-index="1"]').click()
    assert counts(page) == (many - 1, many)
    expect(page.locator("#whole-offer")).to_contain_text("1 taken out")
    page.locator("#label-input").fill("beyond the page")
    page.keyboard.press("Enter")
    page.locator("#confirm").click()
    dialog = page.locator("#whole-dialog")
    expect(dialog.get_by_role("heading")).to_have_text(f"Label all {many - 1} pictures that match as beyond the page?")
    dialog.get_by_role("button", name=f"Label {many - 1} pictures").click()
    toast = page.locator(".toast").filter(has_text=f"{many - 1} pictures labelled beyond the page")
    expect(toast).to_be_visible()
    assert "beyond the page" in labels_of(site, first)
    assert labels_of(site, second) == set()
    assert without_label(site) == 1
    expect(page.locator(".tile")).to_have_count(1)
    batch = site.stack.request("GET", "/api/v1/batches?limit=1").json()["batches"][0]
    assert (batch["size"], batch["labels"]) == (many - 1, ["beyond the page"])
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast").filter(has_text="Undone")).to_contain_text(f"{many - 1} pictures as before")
    expect(page.locator(".tile")).to_have_count(60)
    assert without_label(site) == many


def test_by_keyboard_ctrl_a_takes_the_page_then_all_that_match_then_none(unlabelled: Page, site: Site) -> None:
    page, many = unlabelled, without_label(site)
    page.keyboard.press("Escape")
    assert counts(page) == (0, 60)
    expect(page.locator("#whole-offer")).to_be_hidden()
    page.keyboard.press("Control+a")
    assert counts(page) == (60, 60), "the first press takes what is shown"
    assert offer(page) == many
    page.keyboard.press("Control+a")
    expect(page.locator("#selected-count")).to_have_text(str(many))
    page.keyboard.press("Control+a")
    assert counts(page) == (0, 60)
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+a")  # sooner than it is counted
    expect(page.locator("#selected-count")).to_have_text(str(many))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    expect(page.locator("#selected-count")).to_have_text(str(many - 1))
    page.keyboard.press("l")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#whole-go")).to_have_text(f"Label {many - 1} pictures")
    expect(page.locator("#whole-cancel")).to_be_focused()  # nothing bounds them but that they have no label
    page.wait_for_timeout(350)  # sooner, a key is taken for one that was meant for the page
    page.keyboard.press("Enter")
    expect(page.locator("#whole-dialog")).to_be_hidden()
    assert without_label(site) == many
    page.keyboard.press("Enter")
    expect(page.locator("#whole-cancel")).to_be_focused()
    page.wait_for_timeout(350)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".toast").last).to_contain_text(f"{many - 1} pictures labelled by keys")
    expect(page.locator(".tile")).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(page.locator(".toast").filter(has_text="Undone")).to_be_visible()
    assert without_label(site) == many


def test_what_is_loaded_later_is_selected_too(unlabelled: Page) -> None:
    page = unlabelled
    offer(page)
    page.keyboard.press("Control+a")
    expect(page.locator("#whole-offer")).to_contain_text("that match are selected")
    to_the_end(page)
    assert page.locator(".tile").count() > 70
    assert page.locator('.tile[aria-selected="false"]').count() == 0
    assert page.locator(".cut").count() == 0
    page.locator("#whole-offer").get_by_role("button", name="Only this page").click()
    assert counts(page)[0] == page.locator(".tile").count()


def test_the_score_slider_bounds_what_matches(results: Callable[[], Page], site: Site) -> None:
    page = results()
    page.locator("#k").select_option("30")
    expect(page.locator("#shown-count")).to_have_text("30")
    page.locator("#min-score").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")  # the least score that the slider has: below all that are shown
    expect(page).to_have_url(re.compile(r"min="))
    page.locator("#select-all").click()
    many = offer(page)
    assert many > 30
    address = page.url
    page.goto(re.sub(r"([?&])k=30", r"\1k=1000", address))  # more than there are: what is above the line is on the page
    page.locator(".tile").first.wait_for()
    assert counts(page)[1] == many
    page.locator("#select-all").click()
    expect(page.locator("#whole-offer")).to_be_hidden()


def test_nothing_is_offered_where_nothing_narrows_the_search(results: Callable[[], Page]) -> None:
    page = results()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/matches" in request.url else None)
    page.keyboard.press("Control+a")
    page.wait_for_timeout(600)
    expect(page.locator("#whole-offer")).to_be_hidden()
    assert asked == []
    page.keyboard.press("Control+a")
    assert counts(page)[0] == 0


def test_pictures_with_another_decision_are_left_unless_chosen(results: Callable[[], Page], site: Site) -> None:
    page = results()
    source = page.locator('[data-filter^="source:"]', has_text="labelled").first
    source.click()
    expect(page.locator("#shown-count")).to_have_text("30")
    page.locator("#k").select_option("30")
    sky = page.locator(".tile", has=page.locator(".tag", has_text=re.compile("^sky$")))
    expect(sky).to_have_count(10)
    expect(page).to_have_url(re.compile("k=30"))
    page.goto(re.sub(r"([?&])k=30", r"\1k=10", page.url))
    expect(page.locator("#shown-count")).to_have_text("10")
    page.locator("#select-all").click()
    assert offer(page) == 30
    page.keyboard.press("Control+a")  # Enter comes before the answer, and means all that match all the same
    page.locator("#label-input").fill("sky")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    dialog = page.locator("#whole-dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Label none of the 30 pictures that match as sky?")
    expect(dialog.locator('[data-kind="yes"]')).to_have_text("10 are sky already")
    expect(dialog.get_by_role("button", name="Label")).to_be_disabled()
    dialog.get_by_label("20 have another label").check()
    expect(dialog.get_by_role("heading")).to_have_text("Label 20 of the 30 pictures that match as sky?")
    dialog.get_by_label("They are not sky").check()
    expect(dialog.get_by_role("button", name="Rule out 20 pictures")).to_be_enabled()
    dialog.get_by_label("Take back what was decided about sky").check()
    expect(dialog.get_by_role("heading")).to_have_text(
        "Take back what was decided about sky for 10 of the 30 pictures that match?"
    )
    page.wait_for_timeout(350)
    dialog.get_by_role("button", name="Clear 10 pictures").click()
    expect(page.locator(".toast").last).to_contain_text("10 pictures open again for sky")
    rows = {row["name"]: row["yes"] for row in site.stack.request("GET", "/api/v1/labels").json()["labels"]}
    assert rows["sky"] == 0
    page.keyboard.press("Control+z")
    expect(page.locator(".toast").filter(has_text="Undone")).to_be_visible()


def test_a_held_key_or_a_cancel_labels_nothing(unlabelled: Page, site: Site) -> None:
    page, many = unlabelled, without_label(site)
    offer(page)
    page.keyboard.press("Control+a")
    expect(page.locator("#selected-count")).to_have_text(str(many))
    page.locator("#label-input").fill("never")
    page.keyboard.press("Enter")
    page.keyboard.down("Enter")
    expect(page.locator("#whole-dialog")).to_be_visible()
    page.wait_for_timeout(400)
    page.keyboard.down("Enter")  # still the same press
    expect(page.locator("#whole-dialog")).to_be_visible()
    page.keyboard.up("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#whole-dialog")).to_be_hidden()
    assert without_label(site) == many
    expect(page.locator("#selected-count")).to_have_text(str(many))  # the selection is as it was


def test_a_selection_that_is_kept_no_more_is_said(unlabelled: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("404")
    page, many = unlabelled, without_label(site)
    offer(page)
    page.keyboard.press("Control+a")
    expect(page.locator("#selected-count")).to_have_text(str(many))
    for kept in (site.stack.home / "artifacts" / "matches").iterdir():
        kept.unlink()
    page.locator("#label-input").fill("late")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast.bad")).to_contain_text("select all that match again")
    assert selected(page)
    assert without_label(site) == many


def test_enter_twice_asks_once_and_what_was_chosen_stays_chosen(page: Page, results: Callable[[], Page]) -> None:
    held: list[Route] = []
    page.route("**/plan", lambda route: held.append(route))
    all_unlabelled(results())
    page.locator("#whole-offer").get_by_role("button").click()
    page.locator("#label-input").fill("asked once")
    page.keyboard.press("Enter")
    page.locator("#confirm").click()
    page.locator("#confirm").click()
    page.wait_for_timeout(200)
    first_held(page, held).continue_()
    page.get_by_role("radio", name="They are not asked once").check()
    for more in held[1:]:
        with page.expect_response("**/plan"):
            more.continue_()
    page.wait_for_timeout(200)
    expect(page.get_by_role("radio", name="They are not asked once")).to_be_checked()
    assert len(held) == 1
    page.keyboard.press("Escape")
