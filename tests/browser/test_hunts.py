"""Hunts are started from a label and pictures, from a search, listed, finished and deleted."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hunt_double import shown
from tests.browser.running import Site, Watch
from tests.browser.screen import hand_over
from tests.photos import jpeg, scene

pytestmark = pytest.mark.browser
Begin = Callable[..., str]
IS_SEEN = """(shown) => {
  const box = shown.getBoundingClientRect();
  return shown.contains(document.elementFromPoint(box.left + 20, box.top + box.height / 2));
}"""
A_HUNT = re.compile("/hunts/[A-Za-z0-9_-]{22}$")


def test_a_hunt_starts_from_a_label_and_a_dropped_picture(page: Page, site: Site, begin: Begin) -> None:
    page.goto(f"{site.url}/hunts")
    expect(page.locator("#hunts")).to_contain_text("No hunts yet")
    page.locator("#start").click()
    error = page.locator("#start-error")
    expect(error).to_contain_text("Choose a label")
    assert error.evaluate(IS_SEEN), "the list of labels, which opens for the choice, does not lie over it"
    page.locator("#label-input").fill("above")
    page.keyboard.press("Enter")
    page.locator("#start").click()
    expect(page.locator("#start-error")).to_contain_text("at least one picture of above")
    hand_over(page, jpeg(scene("sky", 7100)), how="drop", name="<i>sky</i>.jpg")
    expect(page.locator("#examples .chip:not(.busy) img")).to_be_visible()
    page.locator("#start").click()
    expect(page).to_have_url(A_HUNT)
    shown(page)
    expect(page.locator("#chips .chip")).to_have_attribute("title", "<i>sky</i>.jpg: more like this")
    expect(page.locator("#hunt-label")).to_have_text("above")
    expect(page.locator("#chips .chip:not(.minus) img")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(60)


def test_a_label_that_has_pictures_needs_no_example(page: Page, site: Site, watch: Watch, begin: Begin) -> None:
    watch.expected.append("422")
    page.goto(f"{site.url}/hunts?label=grass")
    expect(page.locator("#start-note")).to_contain_text("10 pictures are labelled grass already")
    hand_over(page, b"a shopping list", how="drop", name="list.txt", mime="text/plain")
    expect(page.locator("#start-error")).to_contain_text("list.txt")
    expect(page.locator("#examples .chip")).to_have_count(0)
    page.locator("#start").click()
    expect(page).to_have_url(A_HUNT)
    shown(page)


def test_a_hunt_is_finished_and_deleted_only_when_confirmed(page: Page, site: Site, begin: Begin) -> None:
    begin("above")
    page.goto(f"{site.url}/hunts")
    row = page.locator("#hunts tbody tr")
    row.get_by_role("button", name="Finish").click()
    expect(row.locator(".state")).to_have_text("finished")
    row.get_by_role("link", name="Open").click()
    expect(page.locator("#message")).to_contain_text("This hunt is finished")
    page.get_by_role("button", name="Take it up again").click()
    shown(page)
    page.goto(f"{site.url}/hunts")
    row.get_by_role("button", name="Delete").click()
    expect(page.locator("#delete-hunt")).to_contain_text("Labels stay")
    page.keyboard.press("Enter")  # the button that has the focus keeps it
    expect(row).to_have_count(1)
    row.get_by_role("button", name="Delete").click()
    page.locator("#delete-go").click()
    expect(page.locator("#hunts")).to_contain_text("No hunts yet")


def test_h_after_a_search_hunts_for_the_chosen_label(results: Callable[[], Page], begin: Begin) -> None:
    page = results()
    page.locator("#label-input").fill("")
    page.locator("#hunt").click()
    expect(page.locator("#label-input")).to_be_focused()
    expect(page.locator(".toast")).to_contain_text("label to hunt for")
    page.locator("#label-input").fill("after a search")
    page.keyboard.press("Enter")
    page.keyboard.press("h")
    expect(page).to_have_url(A_HUNT)
    shown(page)
    expect(page.locator("#hunt-label")).to_have_text("after a search")
    expect(page.locator("#chips .chip")).to_have_count(1)
    expect(page.locator("#chips .chip")).to_have_attribute("title", "brick-5000.jpg: more like this")


def test_an_address_without_a_hunt_says_so(page: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("404")
    page.goto(f"{site.url}/hunts/abcdefghijklmnopqrstuv")
    expect(page.locator("#message")).to_contain_text("This hunt is gone")
    page.get_by_role("button", name="All hunts").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hunts")
