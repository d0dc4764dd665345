"""Five thousand tiles: the page holds those near the window, a key touches few, and nothing that was chosen is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.many import FIRST, FIRST_ID, LINE_PX, Many
from tests.browser.running import Site
from tests.browser.screen import counts

pytestmark = pytest.mark.browser
K = 5000
NEAR = 260  # more tiles than are ever near a window of 1440 × 900, at the size that they have


@pytest.fixture
def many(page: Page, site: Site) -> Many:
    made = Many(page, site)
    made.open(K)
    return made


def test_only_the_tiles_near_the_window_are_on_the_page(page: Page, many: Many) -> None:
    assert counts(page) == (FIRST, K)
    grid, tile = page.locator("#grid").bounding_box(), page.locator(".tile").first.bounding_box()
    assert grid
    assert tile
    assert grid["height"] == pytest.approx(many.row(K - 1) * (tile["height"] + 8) + LINE_PX, abs=2)
    for to in (0, 20_000, 60_000, "end", 3000):
        many.scroll(to)
        there, seen = many.there(), many.in_view()
        assert len(there) <= NEAR, to
        assert there == sorted(there), "they follow each other as a screen reader reads them"
        assert seen == list(range(seen[0], seen[-1] + 1)), to
        assert seen[0] == 0 or many.row(seen[0] - 1) < many.row(seen[0]), "a row begins"
    many.scroll("end")
    assert many.in_view()[-1] == K - 1
    last = page.locator(f'.tile[data-index="{K - 1}"] img')
    assert last.evaluate("e => e.decode().then(() => e.naturalWidth)") > 0
    many.scroll(0)
    assert many.in_view()[0] == 0


def test_a_key_touches_no_more_tiles_than_are_there(page: Page, many: Many) -> None:
    many.scroll(40_000)
    page.locator(f'.tile[data-index="{many.in_view()[0] + many.columns()}"]').focus()
    few = 3 * many.columns() + 4  # rows that come near with the focus, and the tiles that it goes between
    many.touched()
    keys = {"ArrowRight": few, "ArrowDown": few, "x": 1, "Shift+ArrowRight": few, "Shift+ArrowDown": few, "Space": 1}
    for key, most in keys.items():
        page.keyboard.press(key)
        assert 0 < many.touched() <= most, key
    for key in ("i", "Escape", "Control+a", "i", "i"):
        page.keyboard.press(key)
        assert 0 < many.touched() <= len(many.there()) <= NEAR, key
    page.locator("#label-input").fill("all of them")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("pictures labelled all of them")
    assert many.touched() <= NEAR
    assert len(many.sent[0]["image_ids"]) == K
    page.locator("#tile-size").focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
        assert many.touched() <= NEAR


def test_what_was_chosen_stays_chosen_out_of_sight(page: Page, many: Many) -> None:
    page.keyboard.press("Control+a")
    page.locator('.tile[data-index="3"]').click()
    page.locator('.tile[data-index="5"]').click(modifiers=["Shift"])
    assert counts(page) == (K - 3, K)
    many.scroll("end")
    page.locator(f'.tile[data-index="{K - 2}"]').click()
    many.scroll(0)
    out = page.locator(".tile.out").evaluate_all("tiles => tiles.map((tile) => Number(tile.dataset.index))")
    assert out == [3, 4, 5, K - 2], "the last one is still there because the tab stop is on it"
    assert page.locator('.tile[data-index="4"]').get_attribute("aria-selected") == "false"
    # A range over thousands that were never on the page: from the last tile touched back to here.
    page.locator('.tile[data-index="10"]').click(modifiers=["Shift"])
    chosen = (0, 1, 2, 6, 7, 8, 9, K - 1)
    assert counts(page) == (len(chosen), K)
    page.locator("#label-input").fill("a few")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("8 pictures labelled a few")
    assert many.sent[0]["image_ids"] == [FIRST_ID + place for place in chosen]


def test_the_focus_stays_on_its_tile_and_the_keys_go_on_from_there(page: Page, many: Many) -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    many.scroll("end")
    expect(page.locator('.tile[data-index="1"]')).to_be_focused()
    assert page.locator('.tile[tabindex="0"]').evaluate_all("tiles => tiles.map((t) => t.dataset.index)") == ["1"]
    assert 1 not in many.in_view()
    page.keyboard.press("ArrowDown")
    below = 1 + many.columns()
    expect(page.locator(f'.tile[data-index="{below}"]')).to_be_focused()
    assert below in many.in_view()


def test_rows_and_columns_are_told_to_who_cannot_see_them(page: Page, many: Many) -> None:
    columns = many.columns()
    expect(page.locator("#grid")).to_have_attribute("aria-rowcount", str(many.row(K - 1) + 1))
    expect(page.locator("#grid")).to_have_attribute("aria-colcount", str(columns))
    many.scroll(30_000)
    place = many.in_view()[0] + 2 * columns + 1
    tile = page.locator(f'.tile[data-index="{place}"]')
    expect(tile).to_have_attribute("aria-colindex", "2")
    row = page.locator(".row", has=tile)
    expect(row).to_have_attribute("role", "row")
    expect(row).to_have_attribute("aria-rowindex", str(many.row(place) + 1))


def test_the_window_stays_where_it_is_when_tiles_change_their_size(page: Page, many: Many) -> None:
    many.scroll(30_000)
    before, columns = many.in_view()[0], many.columns()
    page.locator("#tile-size").evaluate("e => { e.value = 96; e.dispatchEvent(new Event('input')); }")
    assert many.columns() > columns
    many.touched()
    after = many.in_view()
    assert after[0] <= before < after[0] + 2 * many.columns()
    columns = many.columns()
    page.set_viewport_size({"width": 1100, "height": 900})
    narrower = "columns => getComputedStyle(grid).gridTemplateColumns.split(' ').length < columns"
    page.wait_for_function(narrower, arg=columns)
    many.touched()
    after = many.in_view()
    assert after[0] <= before < after[0] + 3 * many.columns()


def test_the_end_brings_more_until_there_are_five_thousand(page: Page, site: Site) -> None:
    made = Many(page, site)
    made.open(1000)
    while (shown := counts(page)[1]) < K:
        made.scroll("end")
        expect(page.locator("#shown-count")).not_to_have_text(f"{shown:,}")
    assert counts(page) == (FIRST, K)
    expect(page.locator("#grid-end")).to_have_text("The nearest 5,000 are shown.")
    made.scroll("end")
    assert made.in_view()[-1] == K - 1
    assert len(made.there()) <= NEAR
    before = page.evaluate("document.documentElement.scrollHeight")
    page.locator("#min-score").evaluate("e => { e.value = 0.95; e.dispatchEvent(new Event('input')); }")
    shown = counts(page)[1]
    assert 500 < shown < 700
    assert page.evaluate("document.documentElement.scrollHeight") < before / 5
