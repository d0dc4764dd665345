"""Choosing tiles, confirming a label for them, and taking it back; the keyboard does what help says, and only then."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.running import Site, Watch, labels_of
from tests.browser.screen import counts, image_ids, only_unlabelled, selected

pytestmark = pytest.mark.browser


def test_unlabelled_neighbours_arrive_selected_and_labelled_ones_do_not(results: Callable[[], Page]) -> None:
    page = results()
    chosen, shown = counts(page)
    carrying = page.locator(".tile:has(.tag:not(.suggested, .own))")
    assert 0 < carrying.count() < shown
    assert chosen == shown - carrying.count()
    assert page.locator('.tile[aria-selected="true"]:has(.tag:not(.suggested, .own))').count() == 0
    assert page.locator("#label-input").input_value() in ("sky", "grass", "brick")


def test_a_confirm_is_made_and_undone(results: Callable[[], Page], site: Site) -> None:
    page = results()
    only_unlabelled(page)
    page.keyboard.press("Escape")
    for index in (2, 5, 7):
        page.locator(f'.tile[data-index="{index}"]').click()
    ids = [image_ids(page)[index] for index in (2, 5, 7)]
    before = [labels_of(site, image_id) for image_id in ids]
    page.locator("#label-input").fill("kept for later")
    page.keyboard.press("Enter")  # takes the typed label
    page.keyboard.press("Enter")  # confirms it
    expect(page.locator(".toast")).to_contain_text("3 pictures labelled kept for later")
    assert all("kept for later" in labels_of(site, image_id) for image_id in ids)
    expect(page.locator('.tile[data-index="2"] .tag').first).to_be_visible()
    expect(page.locator("#label-list")).to_contain_text("kept for later")
    assert counts(page)[0] == 0
    page.keyboard.press("Control+z")
    expect(page.locator(".toast").last).to_contain_text("Undone")
    assert [labels_of(site, image_id) for image_id in ids] == before
    assert selected(page) == [2, 5, 7]


def test_a_key_held_down_or_pressed_in_a_filter_confirms_nothing(results: Callable[[], Page]) -> None:
    page = results()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "decisions" in request.url else None)
    page.keyboard.press("Escape")
    page.locator('.tile[data-index="3"]').click()
    page.locator("#label-input").fill("held down")
    page.keyboard.down("Enter")  # takes the typed label and goes to the grid
    page.keyboard.down("Enter")  # the same key, still down
    page.keyboard.up("Enter")
    for control in ("#unlabelled", "#min-score", "#tile-size"):
        page.locator(control).focus()
        page.keyboard.press("Enter")
    assert selected(page) == [3]
    assert sent == []


def test_of_two_names_that_differ_in_case_the_one_typed_is_meant(results: Callable[[], Page], site: Site) -> None:
    for name in ("Twin", "twin"):
        site.stack.post("/api/v1/labels", {"name": name})
    page = results()
    page.keyboard.press("Escape")
    page.locator('.tile[data-index="8"]').click()
    image_id = image_ids(page)[8]
    expect(page.locator("#label-list")).to_contain_text("twin")
    page.locator("#label-input").fill("twin")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("labelled twin")
    assert labels_of(site, image_id) & {"Twin", "twin"} == {"twin"}


def test_a_confirm_whose_answer_is_lost_is_sent_again_and_counts_once(
    page: Page, results: Callable[[], Page], site: Site, watch: Watch
) -> None:
    watch.expected += ["ERR_CONNECTION", "ERR_FAILED"]
    keys: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        keys.append(json.loads(route.request.post_data or "{}")["key"])
        if len(keys) == 1:
            route.fetch()  # it arrives, but the browser never hears of it
            route.abort()
        else:
            route.continue_()

    # Before the page is opened: a page that is open already may still send its next request past a new route.
    page.route("**/api/v1/labels/decisions", lose_the_first_answer)
    results()
    page.keyboard.press("Escape")
    page.locator('.tile[data-index="4"]').click()
    page.locator("#label-input").fill("sent twice")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast").filter(has_text="labelled sent twice")).to_be_visible()
    assert len(keys) == 2
    assert keys[0] == keys[1]
    batches = site.stack.request("GET", "/api/v1/batches?limit=20").json()["batches"]
    assert [batch["size"] for batch in batches if batch["labels"] == ["sent twice"]] == [1]
    assert page.evaluate("Object.keys(localStorage).filter(n => n.startsWith('ruiji.outbox')).length") == 0


def test_a_confirm_that_was_not_answered_is_delivered_by_the_next_page(
    page: Page, results: Callable[[], Page], site: Site, watch: Watch
) -> None:
    watch.expected += ["ERR_CONNECTION", "ERR_FAILED"]
    page.route("**/api/v1/labels/decisions", lambda route: route.abort())
    results()
    page.keyboard.press("Escape")
    page.locator('.tile[data-index="6"]').click()
    image_id = image_ids(page)[6]
    page.locator("#label-input").fill("late")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast.bad")).to_contain_text("sent again")
    page.goto("about:blank")  # or this very page, which tries again and again, delivers it
    page.unroute("**/api/v1/labels/decisions")
    page.goto(site.url)
    expect(page.locator(".toast")).to_contain_text("now saved")
    assert "late" in labels_of(site, image_id)


def test_shift_click_takes_a_range_on_a_search_page(results: Callable[[], Page]) -> None:
    page = results()
    page.keyboard.press("Escape")
    page.locator('.tile[data-index="3"]').click()
    page.locator('.tile[data-index="11"]').click(modifiers=["Shift"])
    assert selected(page) == list(range(3, 12))
    page.locator('.tile[data-index="8"]').click(modifiers=["Shift"])
    assert selected(page) == list(range(3, 9)), "a range made shorter gives back the rest"


def test_a_range_takes_out_when_its_first_tile_was_taken_out(results: Callable[[], Page]) -> None:
    page = results()
    only_unlabelled(page)
    page.keyboard.press("Control+a")
    page.locator('.tile[data-index="1"]').click()
    page.locator('.tile[data-index="4"]').click(modifiers=["Shift"])
    assert selected(page) == [0, *range(5, 60)]
    expect(page.locator(".tile.out")).to_have_count(4)


def test_the_keyboard_alone_moves_chooses_and_looks(results: Callable[[], Page]) -> None:
    page = results()
    page.keyboard.press("Escape")
    assert counts(page)[0] == 0
    page.keyboard.press("ArrowRight")  # to the first tile
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert selected(page) == [1]
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert selected(page) == [1, 2, 3]
    page.keyboard.press("Shift+ArrowLeft")
    assert selected(page) == [1, 2]
    columns = page.evaluate("getComputedStyle(document.getElementById('grid')).gridTemplateColumns.split(' ').length")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    assert selected(page) == [1, 2, 2 + columns]
    page.keyboard.press("f")
    expect(page.locator("#view")).to_be_visible()
    position = page.locator("#view-position").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#view-position").inner_text() != position
    expect(page.locator("#view-facts")).to_contain_text("96 × 96 px")
    page.keyboard.press("Escape")
    expect(page.locator("#view")).to_be_hidden()
    assert selected(page) == [1, 2, 2 + columns], "Esc closed the view and did no more"


def test_no_key_fires_while_a_person_types(results: Callable[[], Page]) -> None:
    page = results()
    before = selected(page)
    address = page.url
    field = page.locator("#label-input")
    field.click()
    for key in ("i", "x", "s", "f", "?", "1", "Shift+A", "Control+a", "Space", "ArrowLeft", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert selected(page) == before
    assert page.url == address
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert field.input_value()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert counts(page)[0] == 0, "after the field is left, Esc is a shortcut again"


def test_no_key_fires_while_a_dialog_is_open(results: Callable[[], Page]) -> None:
    page = results()
    before = selected(page)
    address = page.url
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    for key in ("i", "x", "s", "f", "Control+a", "Control+z", "ArrowRight"):
        page.keyboard.press(key)
    assert (selected(page), page.url) == (before, address)
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    assert selected(page) == before


def test_invert_leaves_out_what_carries_a_label(results: Callable[[], Page]) -> None:
    page = results()
    before = selected(page)
    page.locator('.tile[aria-selected="true"]').first.click()
    page.keyboard.press("i")
    assert selected(page) == [before[0]]
    page.keyboard.press("i")
    assert selected(page) == before[1:]


def test_selecting_what_carries_a_label_is_said(results: Callable[[], Page]) -> None:
    page = results()
    expect(page.locator("#selection-warning")).to_be_hidden()
    page.keyboard.press("Control+a")
    expect(page.locator("#selection-warning")).to_contain_text("label already")


def test_nothing_selected_cannot_be_confirmed(results: Callable[[], Page]) -> None:
    page = results()
    page.keyboard.press("Escape")
    expect(page.locator("#confirm")).to_be_disabled()
