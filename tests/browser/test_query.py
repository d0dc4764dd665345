"""A picture comes in by each way there is, and its neighbours with their labels come out."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.running import Site, Watch
from tests.browser.screen import counts, hand_over, image_ids, to_the_end
from tests.photos import jpeg, scene

pytestmark = pytest.mark.browser


def expect_labelled_neighbours(page: Page) -> None:
    expect(page.locator(".tile").first).to_be_visible()
    assert len(image_ids(page)) >= 60
    assert page.locator(".tile .tag:not(.suggested, .own)").count() > 0, "no neighbour carries a label"
    assert page.locator(".tile .tag.suggested").count() > 0, "no unlabelled neighbour carries a suggestion"


def test_the_empty_page_offers_pictures_and_one_click_searches(page: Page, site: Site) -> None:
    page.goto(site.url)
    expect(page.locator(".sample")).to_have_count(6)
    expect(page.locator("#add-folder")).to_be_visible()
    expect(page.locator("#empty-count")).to_contain_text("photos")
    page.locator(".sample").first.click()
    expect_labelled_neighbours(page)
    expect(page).to_have_url(re.compile(r"[?]sample="))
    suggestion = page.locator(".tag.suggested").first
    assert suggestion.inner_text().endswith("?")
    assert "suggested by labelled neighbours" in (suggestion.get_attribute("title") or "")


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_dropped_or_pasted_picture_brings_neighbours(page: Page, site: Site, how: str) -> None:
    page.goto(site.url)
    page.locator("#drop-zone").wait_for()
    hand_over(page, jpeg(scene("sky", 7001)), how=how)
    expect_labelled_neighbours(page)
    expect(page).to_have_url(re.compile(r"[?]upload=[0-9a-f]{64}"))
    expect(page.locator("#overlay")).to_be_hidden()
    expect(page.locator(".chip img")).to_be_visible()


def test_dragging_a_file_over_the_page_says_that_it_may_be_dropped(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.locator("#drop-zone").wait_for()
    hand_over(page, b"x", how="drag")
    expect(page.locator("#overlay")).to_be_visible()


def test_a_chosen_file_brings_neighbours(page: Page, site: Site) -> None:
    page.goto(site.url)
    with page.expect_file_chooser() as chooser:
        page.locator("#drop-zone").click()
    chooser.value.set_files({"name": "grass.jpg", "mimeType": "image/jpeg", "buffer": jpeg(scene("grass", 7002))})
    expect_labelled_neighbours(page)
    expect(page.locator("#tray-side")).to_contain_text("grass.jpg")


def test_a_reload_with_a_filter_keeps_the_name_of_the_picture(page: Page, site: Site) -> None:
    name = '<img src=x onerror="document.title=1">\u202e.jpg'
    page.goto(site.url)
    page.locator("#drop-zone").wait_for()
    hand_over(page, jpeg(scene("grass", 7009)), how="drop", name=name)
    expect_labelled_neighbours(page)
    page.locator('[data-filter="label:grass"]').click()
    expect(page).to_have_url(re.compile("label=grass"))
    page.reload()
    expect(page.locator(".tile").first).to_be_visible()
    expect(page.locator("#tray-side strong")).to_have_text(name)
    expect(page.locator(".chip")).to_have_attribute("title", name)
    expect(page.locator("#tray-side img")).to_have_count(0)


def test_the_querys_own_copy_is_marked_and_can_be_hidden(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.locator("#drop-zone").wait_for()
    hand_over(page, (site.folder / "labelled" / "brick" / "00003.jpg").read_bytes(), how="drop")
    expect(page.locator('.tile[data-index="0"] .tag.own')).to_have_text("query")
    page.get_by_label("Hide the query itself").check()
    expect(page.locator(".tile").first).to_be_visible()
    expect(page.locator(".tag.own")).to_have_count(0)


def test_an_indexed_picture_is_searched_by_its_magnifier_and_by_s(results: Callable[[], Page]) -> None:
    page = results()
    third = image_ids(page)[2]
    page.locator('.tile[data-index="2"]').hover()
    page.locator('.tile[data-index="2"] [data-act="search"]').click()
    expect(page).to_have_url(re.compile(f"[?]image={third}$"))
    expect(page.locator('.tile[data-index="0"] .tag.own')).to_be_visible()
    assert image_ids(page)[0] == third
    fifth = image_ids(page)[4]
    page.locator('.tile[data-index="4"]').focus()
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile(f"[?]image={fifth}$"))


def test_the_number_on_a_tile_says_what_it_is(results: Callable[[], Page]) -> None:
    page = results()
    score = page.locator(".tile footer b").first
    expect(score).to_be_visible()
    expect(score).to_have_attribute("title", "cosine similarity to the picture searched by")
    expect(page.locator(".tile").first).to_contain_text("score")
    score.hover(position={"x": 4, "y": 4})
    expect(page.locator(".tile footer b:hover")).to_have_count(1)  # its title shows itself under the pointer
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    expect(page.locator("#view-facts")).to_contain_text("the cosine similarity to the picture searched by")


def test_a_reload_and_the_back_button_restore_the_search(results: Callable[[], Page]) -> None:
    page = results()
    first = image_ids(page)
    page.locator('.tile[data-index="3"]').focus()
    page.keyboard.press("s")
    page.locator(".tag.own").wait_for()
    second = image_ids(page)
    page.reload()
    page.locator(".tile").first.wait_for()
    assert image_ids(page) == second
    page.go_back()
    expect(page).to_have_url(re.compile("sample="))
    page.locator(".tile").first.wait_for()
    expect(page.locator(f'.tile[data-index="0"][data-image-id="{first[0]}"]')).to_be_visible()
    page.go_forward()
    expect(page.locator(f'.tile[data-index="0"][data-image-id="{second[0]}"]')).to_be_visible()


def test_the_end_of_the_grid_brings_more_which_arrive_unselected(results: Callable[[], Page], site: Site) -> None:
    page = results()
    chosen, shown = counts(page)
    assert shown == 60
    to_the_end(page)
    ids = image_ids(page)
    assert counts(page) == (chosen, len(ids))
    assert len(set(ids)) == len(ids) > 60
    # Other tests of this installation add photos, some of them near-identical: those are behind one tile.
    told = page.locator(".tile .fold").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    behind = sum(int(label.split()[2]) - 1 for label in told)
    found = site.stack.post("/api/v1/search", {"image_id": ids[0], "k": 1000}).json()["results"]
    assert len(ids) + behind == len({ids[0], *(one["image_id"] for one in found)})


def test_what_is_no_picture_is_refused_with_the_reason(page: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("422")
    page.goto(site.url)
    page.locator("#drop-zone").wait_for()
    hand_over(page, b"a shopping list", how="drop", name="list.txt", mime="text/plain")
    expect(page.get_by_role("alert").filter(has_text="not a picture")).to_be_visible()
    expect(page.locator("#confirm-bar")).to_be_hidden()
    hand_over(page, jpeg(scene("sky", 7003)), how="drop")
    expect_labelled_neighbours(page)


def test_a_picture_over_the_limit_is_refused_with_the_limit(page: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("413")
    page.goto(site.url)
    page.locator("#drop-zone").wait_for()
    hand_over(page, b"\xff\xd8\xff", how="drop", padding=21 * 2**20)
    expect(page.get_by_role("alert").filter(has_text="20 MB")).to_be_visible()


def test_a_server_that_does_not_answer_is_told_and_tried_again(
    page: Page, results: Callable[[], Page], watch: Watch
) -> None:
    watch.expected += ["ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "503"]
    gone = False
    page.route("**/api/v1/search*", lambda route: route.abort() if gone else route.continue_())
    results()
    gone = True
    page.locator('.tile[data-index="1"]').focus()
    page.keyboard.press("s")
    expect(page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    expect(page.locator("#score-filter")).to_be_hidden()
    gone = False
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".tag.own")).to_be_visible()
    expect(page.locator("#score-filter")).to_be_visible()


def test_a_picture_on_its_side_is_searched_by_the_way_whose_neighbours_are_nearest(page: Page, site: Site) -> None:
    photo = Image.open(next(site.folder.glob("unlabelled/*-0.jpg")))
    sink = io.BytesIO()
    photo.transpose(Image.Transpose.ROTATE_90).save(sink, "PNG")
    page.goto(site.url)
    page.locator("#drop-zone").wait_for()
    hand_over(page, sink.getvalue(), how="drop")
    expect_labelled_neighbours(page)
    score = page.locator(".tile footer b").first
    before = float(score.inner_text())
    expect(page.locator("#summary")).not_to_contain_text("turned")
    page.get_by_label("Query any way up").check()
    expect(page).to_have_url(re.compile(r"way=any"))
    expect(page.locator("#summary")).to_contain_text("query turned 270°")
    expect(score).to_have_text("1.00")
    assert before < 1
    page.reload()
    expect(page.get_by_label("Query any way up")).to_be_checked()
    expect(page.locator("#summary")).to_contain_text("query turned 270°")
