"""Filters without a picture: the newest photos that pass them, to look at, to choose from, and to search by."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.running import Site
from tests.browser.screen import counts, image_ids, only_unlabelled, selected

pytestmark = pytest.mark.browser


def test_a_label_shows_its_photos_newest_first_and_one_of_them_is_searched_by(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.locator('[data-filter="label:grass"]').click()
    expect(page).to_have_url(re.compile(r"/\?label=grass$"))
    expect(page.locator(".tile")).to_have_count(10)
    expect(page.locator("#summary")).to_have_text("10 pictures newest first")
    expect(page.locator("#empty")).to_be_hidden()
    expect(page.locator("#score-filter")).to_be_hidden()
    ids = image_ids(page)
    assert ids == sorted(ids, reverse=True)
    assert selected(page) == []
    assert page.locator("#label-input").input_value() == ""
    assert set(page.locator(".tile footer b").all_inner_texts()) == {""}
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    expect(page.locator("#view-facts")).to_contain_text("96 × 96 px")
    expect(page.locator("#view-facts")).not_to_contain_text("Score")
    page.keyboard.press("Escape")
    expect(page.locator("#view")).to_be_hidden()
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile(rf"/\?image={ids[0]}&label=grass$"))
    expect(page.locator("#summary")).to_contain_text("nearest first")
    page.locator(".chip button").click()
    expect(page.locator("#summary")).to_contain_text("newest first")
    page.locator("#clear-filters").click()
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator(".sample").first).to_be_visible()


def test_what_has_no_label_is_paged_selected_and_stated(page: Page, site: Site) -> None:
    page.goto(site.url)
    only_unlabelled(page)
    assert counts(page) == (0, 60)
    expect(page.locator(".tag.suggested").first).to_be_visible()
    page.mouse.move(720, 500)
    page.mouse.wheel(0, 20_000)
    expect(page.locator(".tile").nth(70)).to_be_attached()
    assert page.locator(".cut").count() == 0
    ids = image_ids(page)
    assert ids == sorted(set(ids), reverse=True)
    many = int(site.stack.request("GET", "/api/v1/status").json()["counts"]["unlabelled"])
    page.reload()
    expect(page.locator(".tile")).to_have_count(60)
    page.keyboard.press("Control+a")
    assert counts(page) == (60, 60)
    expect(page.locator("#whole-offer")).to_contain_text(f"Ctrl+A again for all {many} that match")
    page.keyboard.press("Control+a")
    expect(page.locator("#selected-count")).to_have_text(str(many))
    page.locator("#label-input").fill("browsed")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#whole-drawn-text")).to_contain_text("Every picture without a label. Nobody has looked")
    expect(page.locator("#whole-drawn img")).to_have_count(12)
    expect(page.locator("#whole-cancel")).to_be_focused()


def test_a_few_of_them_are_labelled_and_taken_back(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?unlabelled=1&min=0.9")  # without a picture there is no score to be least
    expect(page.locator(".tile")).to_have_count(60)
    for index in (1, 4):
        page.locator(f'.tile[data-index="{index}"]').click()
    page.locator("#label-input").fill("seen in passing")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("2 pictures labelled seen in passing")
    page.keyboard.press("Control+z")
    expect(page.locator(".toast").last).to_contain_text("Undone: 2 pictures as before")
    assert selected(page) == [1, 4]
