"""A hunt: pages arrive selected, a confirm decides all that is shown and brings the next, an undo brings it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hunt_double import shown
from tests.browser.running import Site, Watch, labels_of
from tests.browser.screen import hand_over, image_ids, selected
from tests.photos import jpeg, scene

pytestmark = pytest.mark.browser
Begin = Callable[..., str]


def test_a_confirm_decides_everything_shown_and_brings_the_next_page(page: Page, site: Site, begin: Begin) -> None:
    page.goto(f"{site.url}/hunts/{begin('above')}")
    shown(page)
    ids, chosen = image_ids(page), selected(page)
    assert len(ids) == 60
    otherwise = page.locator(".tile:has(.tag)").evaluate_all("tiles => tiles.map(t => Number(t.dataset.index))")
    assert otherwise
    assert chosen == [n for n in range(60) if n not in otherwise]
    page.locator(f'.tile[data-index="{chosen[1]}"]').click()
    page.locator(f'.tile[data-index="{otherwise[0]}"]').click()
    yes = len(chosen)
    expect(page.locator("#confirm-text")).to_have_text(f"Confirm {yes} yes · {60 - yes} no")
    page.mouse.wheel(0, 400)
    page.wait_for_function("() => scrollY >= 400")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text(f"{yes} yes · {60 - yes} no")
    shown(page)
    assert page.evaluate("scrollY") == 0
    assert not set(ids) & set(image_ids(page)), "what was decided comes back"
    expect(page.locator("#hunt-figures")).to_contain_text(f"{yes} found · {60 - yes} rejected")
    assert "above" in labels_of(site, ids[otherwise[0]])
    assert "above" not in labels_of(site, ids[chosen[1]])


def test_tiles_of_a_hunt_have_no_number(page: Page, site: Site, begin: Begin) -> None:
    page.goto(f"{site.url}/hunts/{begin('airplane')}")
    shown(page)
    expect(page.locator(".tile footer b:visible")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    expect(page.locator("#view-facts")).to_contain_text("Original size")
    expect(page.locator("#view-facts")).not_to_contain_text("Score")


def test_undo_brings_the_page_back_as_it_was_decided(page: Page, site: Site, begin: Begin) -> None:
    page.goto(f"{site.url}/hunts/{begin('regretted hunt')}")
    shown(page)
    page.locator('.tile[aria-selected="true"]').first.click()
    ids, indices = image_ids(page), selected(page)
    before = {image_id: index in indices for index, image_id in enumerate(ids)}
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("yes ·")
    shown(page)
    page.reload()  # this tab still knows what it confirmed
    shown(page)
    assert not before.keys() & set(image_ids(page))
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("Undone: 60 pictures")
    shown(page)
    # The ranking may differ a little by what it was fitted from before, and with it the last few of the page.
    again = {image_id: index in selected(page) for index, image_id in enumerate(image_ids(page))}
    assert len(before.keys() & again.keys()) > 40
    assert all(again[one] == before[one] for one in before.keys() & again.keys())
    page.keyboard.press("z")
    expect(page.locator(".toast").last).to_contain_text("Nothing to undo here")


def test_a_page_left_in_the_middle_comes_back_as_it_was(page: Page, site: Site, begin: Begin) -> None:
    page.goto(f"{site.url}/hunts/{begin('left')}")
    shown(page)
    page.locator('.tile[aria-selected="true"]').nth(3).click()
    page.locator('.tile[aria-selected="true"]').nth(5).click(modifiers=["Shift"])
    before, chosen = image_ids(page), selected(page)
    page.locator('.tile[data-index="0"]').focus()
    page.keyboard.press("s")
    page.locator(".tag.own").wait_for()
    page.go_back()
    shown(page)
    assert (image_ids(page), selected(page)) == (before, chosen)


def test_examples_are_added_switched_and_taken_out(page: Page, site: Site, watch: Watch, begin: Begin) -> None:
    watch.expected += ["409", "422"]
    page.goto(f"{site.url}/hunts/{begin('by example')}")
    shown(page)
    taken_out = image_ids(page)[selected(page)[2]]
    page.locator(f'.tile[data-image-id="{taken_out}"]').click()
    chips = page.locator("#chips .chip:not(.busy)")
    hand_over(page, b"a shopping list", how="drop", name="list.txt", mime="text/plain")
    expect(page.locator(".toast.bad")).to_contain_text("list.txt was not added")
    hand_over(page, jpeg(scene("sky", 7101)), how="paste")
    expect(chips).to_have_count(2)
    shown(page)
    assert page.locator(f'.tile[data-image-id="{taken_out}"][aria-selected="true"]').count() == 0, "it stays out"
    chips.last.locator(".sign").click()  # an uploaded picture, then an image
    expect(page.locator("#chips .chip.minus")).to_have_count(1)
    expect(chips).to_have_count(2)
    shown(page)
    page.locator('.tile[data-index="4"]').drag_to(page.locator("#tray"))
    expect(chips).to_have_count(3)
    chips.last.locator(".sign").click()
    expect(page.locator("#chips .chip.minus")).to_have_count(2)
    for left in (2, 1, 0):
        chips.first.hover()
        chips.first.locator(".remove").click()
        expect(chips).to_have_count(left)
    expect(page.locator("#message")).to_contain_text("Show what to look for")
    expect(page.locator("#choose")).to_be_focused()
    hand_over(page, jpeg(scene("sky", 7102)), how="drop")
    shown(page)
    expect(page.locator("#message")).to_be_hidden()


def test_the_keyboard_alone_walks_a_hunt(page: Page, site: Site, begin: Begin) -> None:
    page.goto(f"{site.url}/hunts/{begin('by key')}")
    shown(page)
    page.keyboard.press("i")
    page.keyboard.press("i")
    page.keyboard.press("Control+a")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    assert selected(page) == [0, *range(3, 60)]
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("selected is yes, the rest no")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("f")
    expect(page.locator("#view")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#view")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator("#hunt-figures")).to_contain_text("58 found · 2 rejected")
    shown(page)
    expect(page.locator('.tile[data-index="0"]')).to_be_focused()
