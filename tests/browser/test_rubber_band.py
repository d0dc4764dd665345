"""The rubber band: a drag that begins beside the tiles takes in or out what it touches, seen or not, or is let go."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import FloatRect, Page, expect

from tests.browser.many import FIRST, Many
from tests.browser.running import Site
from tests.browser.screen import counts, selected

pytestmark = pytest.mark.browser


def box(page: Page, place: int) -> FloatRect:
    found = page.locator(f'.tile[data-index="{place}"]').bounding_box()
    assert found
    return found


def test_what_it_touches_changes_sides_with_the_first_one(results: Callable[[], Page]) -> None:
    page = results()
    page.keyboard.press("Escape")
    across = page.evaluate("getComputedStyle(document.getElementById('grid')).gridTemplateColumns.split(' ').length")
    first, corner = box(page, 0), box(page, across + 1)
    page.mouse.move(first["x"] - 6, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(corner["x"] + 20, corner["y"] + 20, steps=6)
    expect(page.locator(".band")).to_be_visible()
    expect(page.locator("#selected-count")).to_have_text("4")
    assert selected(page) == [0, 1, across, across + 1]
    page.mouse.move(first["x"] + 20, corner["y"] + 20, steps=3)
    expect(page.locator("#selected-count")).to_have_text("2")
    page.mouse.up()
    expect(page.locator(".band")).to_be_hidden()
    assert selected(page) == [0, across]
    page.mouse.move(first["x"] - 6, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(corner["x"] + 20, first["y"] + 30, steps=4)
    expect(page.locator("#selected-count")).to_have_text("1")
    page.mouse.up()
    assert selected(page) == [across], "the first one was selected: it and its neighbour are taken out"


def test_escape_lets_go_of_it_and_a_click_beside_the_tiles_does_nothing(results: Callable[[], Page]) -> None:
    page = results()
    before = selected(page)
    first = box(page, 0)
    page.mouse.move(first["x"] - 6, first["y"] + 20)
    page.mouse.down()
    page.mouse.up()
    assert selected(page) == before
    page.mouse.down()
    page.mouse.move(first["x"] + 300, first["y"] + 200, steps=4)
    expect(page.locator(".band")).to_be_visible()
    expect(page.locator("#selected-count")).not_to_have_text(str(len(before)))
    page.keyboard.press("Escape")
    expect(page.locator(".band")).to_be_hidden()
    assert selected(page) == before
    page.mouse.up()
    page.keyboard.press("Escape")
    assert selected(page) == []


def test_at_the_rim_of_the_window_it_goes_on_over_thousands(page: Page, site: Site) -> None:
    many = Many(page, site)
    many.open(5000)
    page.keyboard.press("Escape")
    first = box(page, 0)
    page.mouse.move(first["x"] - 6, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(first["x"] + 1000, 899, steps=4)
    page.wait_for_function("() => scrollY > 2000")
    page.mouse.move(first["x"] + 1000, 500)
    page.wait_for_function("() => document.querySelector('.band').getBoundingClientRect().bottom <= 501")
    page.mouse.up()
    caught = counts(page)[0]
    assert caught > 60
    assert (caught - FIRST) % many.columns() == 0, "whole rows, of which the one above the line is short"
    many.scroll(0)
    assert page.locator('.tile[data-index="0"]').get_attribute("aria-selected") == "true"
