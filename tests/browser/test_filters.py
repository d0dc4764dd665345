"""Filters narrow the answer, live in the address, and can be taken off again."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.running import Site
from tests.browser.screen import counts, first_held, hand_over, image_ids, only_unlabelled
from tests.photos import jpeg, scene

pytestmark = pytest.mark.browser


def test_a_label_narrows_the_answer_and_stays_after_a_reload(results: Callable[[], Page]) -> None:
    page = results()
    page.locator('[data-filter="label:grass"]').click()
    expect(page).to_have_url(re.compile("label=grass"))
    expect(page.locator('[data-filter="label:grass"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#shown-count")).to_have_text("10")
    assert page.locator(".tile .tag:not(.own)").all_inner_texts() == ["grass"] * 10
    page.reload()
    expect(page.locator(".tile")).to_have_count(10)
    page.locator("#clear-filters").click()
    expect(page.locator("#shown-count")).to_have_text("60")


def test_unlabelled_only_leaves_out_what_carries_a_label(results: Callable[[], Page]) -> None:
    page = results()
    only_unlabelled(page)
    expect(page).to_have_url(re.compile("unlabelled=1"))
    assert counts(page)[1] == 60


def test_a_source_narrows_the_answer(results: Callable[[], Page]) -> None:
    page = results()
    page.locator("#source-list .filter", has_text=re.compile("^labelled")).click()
    expect(page).to_have_url(re.compile("source="))
    expect(page.locator("#shown-count")).to_have_text("30")


def test_the_score_slider_cuts_without_asking_the_server(results: Callable[[], Page]) -> None:
    page = results()
    scores = [float(text) for text in page.locator(".tile footer b").all_inner_texts()]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/search" in request.url else None)
    slider = page.locator("#min-score")
    slider.focus()
    for _ in range(200):
        page.keyboard.press("ArrowRight")
        if counts(page)[1] < 40:
            break
    shown = counts(page)[1]
    assert 0 < shown < 40
    assert page.locator(".tile:visible").count() == shown
    least = float(slider.input_value())
    assert abs(shown - sum(score >= least - 0.005 for score in scores)) <= sum(abs(s - least) <= 0.006 for s in scores)
    expect(page).to_have_url(re.compile(f"min={least:g}$"))  # the last score, not one passed on the way
    assert asked == []
    page.reload()
    expect(page.locator("#shown-count")).to_have_text(str(shown))


def test_a_score_that_nothing_reaches_is_said_with_the_way_back(results: Callable[[], Page]) -> None:
    page = results()
    page.locator("#min-score").focus()
    page.keyboard.press("End")
    message = page.locator("#message")
    expect(message).to_contain_text("No picture passes these filters")
    expect(page.locator("#confirm-bar")).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    expect(message).to_be_hidden()
    expect(page.locator(".tile").first).to_be_visible()
    page.keyboard.press("End")
    message.get_by_role("button", name="Clear filters").click()
    expect(page.locator("#shown-count")).to_have_text("60")
    expect(page).not_to_have_url(re.compile("min="))


def test_the_least_score_outlives_a_filter_but_not_its_query(results: Callable[[], Page]) -> None:
    page = results()
    page.locator("#min-score").focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.get_by_label("Unlabelled only").check()
    expect(page).to_have_url(re.compile("unlabelled=1&min="))
    page.locator('.tile[data-index="1"]').focus()
    page.keyboard.press("s")
    page.locator(".tag.own").wait_for()
    expect(page).to_have_url(re.compile(r"[?]image=\d+&unlabelled=1$"))
    expect(page.locator("#min-score-value")).to_have_text("any")


def test_a_score_still_settling_is_not_carried_into_the_next_search(results: Callable[[], Page]) -> None:
    page = results()
    page.evaluate(
        """async () => {
          const slider = document.getElementById("min-score");
          slider.value = Number(slider.min) + 0.03;
          slider.dispatchEvent(new Event("input"));
          const tile = document.querySelector('.tile[data-index="2"]');
          tile.focus();
          tile.dispatchEvent(new KeyboardEvent("keydown", { key: "s", bubbles: true }));
          await new Promise((done) => setTimeout(done, 300));
        }"""
    )
    page.locator(".tag.own").wait_for()
    expect(page).to_have_url(re.compile(r"[?]image=\d+$"))
    expect(page.locator("#shown-count")).to_have_text("60")


def test_labels_that_arrive_late_leave_the_filters_as_they_are_now(page: Page, results: Callable[[], Page]) -> None:
    held: list[Route] = []
    page.route("**/api/v1/labels", lambda route: held.append(route))
    results()
    page.get_by_label("Unlabelled only").check()
    expect(page).to_have_url(re.compile("unlabelled=1"))
    page.locator(".tile").first.wait_for()
    first_held(page, held).continue_()
    expect(page.locator("#label-list")).to_contain_text("grass")
    expect(page.get_by_label("Unlabelled only")).to_be_checked()


def test_a_filter_touched_while_a_picture_is_uploaded_keeps_the_picture(page: Page, site: Site) -> None:
    held: list[Route] = []
    page.route("**/api/v1/search*", lambda route: route.continue_() if held else held.append(route))
    page.goto(site.url)
    page.locator('[data-filter="label:grass"]').wait_for()
    hand_over(page, jpeg(scene("grass", 7010)), how="drop")
    page.locator(".skeleton").first.wait_for()
    page.locator('[data-filter="label:grass"]').click()
    expect(page).to_have_url(re.compile("[?]upload=[0-9a-f]{64}&label=grass$"))
    expect(page.locator("#shown-count")).to_have_text("10")


def test_k_asks_for_more_and_all_of_them_can_be_selected(results: Callable[[], Page], site: Site) -> None:
    page = results()
    there = site.images()
    page.locator("#k").select_option("250")
    expect(page).to_have_url(re.compile("k=250"))
    expect(page.locator("#shown-count")).to_have_text(str(there))
    page.keyboard.press("Control+a")
    assert counts(page) == (there, there), "Ctrl+A takes all that were found, not only the slice on screen"
    page.keyboard.press("Control+a")
    assert counts(page) == (0, there), "a second Ctrl+A takes none"


def test_the_size_of_the_tiles_is_remembered(results: Callable[[], Page]) -> None:
    page = results()
    before = page.locator(".tile").first.bounding_box()
    page.get_by_label("Tile").fill("320")
    after = page.locator(".tile").first.bounding_box()
    assert before and after and after["width"] > 1.5 * before["width"]
    assert len(image_ids(page)) >= 60
    page.reload()
    page.locator(".tile").first.wait_for()
    expect(page.get_by_label("Tile")).to_have_value("320")
