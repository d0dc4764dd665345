"""All that match are selected on purpose, and the question says what they are and shows some before it is answered."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.running import Site, without_label
from tests.browser.screen import counts, offer, only_unlabelled

pytestmark = pytest.mark.browser


def test_a_page_that_arrived_selected_is_kept_by_the_first_ctrl_a(results: Callable[[], Page], site: Site) -> None:
    page, many = results(), without_label(site)
    page.locator("#label-input").fill("")  # without a label no suggestion speaks against any of them
    page.keyboard.press("Escape")
    only_unlabelled(page)
    strip = page.locator("#whole-offer")
    assert (counts(page), offer(page)) == ((60, 60), many)
    expect(strip).not_to_contain_text("Ctrl+A again")
    page.keyboard.press("Control+a")
    expect(strip).to_contain_text(f"All 60 pictures shown are selected. Ctrl+A again for all {many} that match.")
    assert counts(page) == (60, 60)
    page.keyboard.press("Control+a")
    expect(page.locator("#selected-count")).to_have_text(str(many))


def test_the_question_says_what_matches_and_shows_some(results: Callable[[], Page], site: Site) -> None:
    page, many = results(), without_label(site)
    only_unlabelled(page)
    page.keyboard.press("Control+a")
    assert offer(page) == many
    page.keyboard.press("Control+a")
    page.locator("#label-input").fill("said")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    words, drawn = page.locator("#whole-drawn-text"), page.locator("#whole-drawn img")
    expect(words).to_contain_text("Every picture without a label. No least score is set")
    expect(words).to_contain_text("the picture searched by does not matter")
    expect(words).to_contain_text("12 pictures drawn at random")
    expect(drawn).to_have_count(12)
    assert drawn.first.evaluate("e => e.decode().then(() => e.naturalWidth)") > 0
    page.keyboard.press("Escape")
    page.locator("#source-list .filter", has_text="unlabelled").click()
    page.locator("#k").select_option("30")
    expect(page.locator("#shown-count")).to_have_text("30")
    page.locator("#min-score").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"min="))
    expect(page.locator(".tile").first).to_be_visible()
    page.locator("#select-all").click()
    offer(page)
    page.locator("#select-all").click()
    expect(page.locator("#whole-offer")).to_contain_text("that match are selected")
    page.locator("#confirm").click()
    expect(words).to_contain_text(
        re.compile(r"Every picture without a label, of \S+, with a score of at least -?\d\.\d\d\.")
    )
    expect(page.locator("#whole-go")).to_be_focused()  # the score bounds them
    page.keyboard.press("Escape")
