"""One label: its pictures looked through, most likely wrong first, and what is suggested; undo brings all back."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.hunt_double import shown
from tests.browser.labelled import Labelled
from tests.browser.running import Site, Watch
from tests.browser.screen import at_once, counts, image_ids, selected

pytestmark = pytest.mark.browser


def test_a_click_takes_out_what_is_wrong_and_undo_brings_it_back(page: Page, labelled: Labelled) -> None:
    page.goto(labelled.url)
    shown(page)
    ids = image_ids(page)
    assert set(ids[:4]) == set(labelled.wrong)
    assert selected(page) == list(range(30)), "all arrive as staying"
    expect(page.locator(".tile").first.locator(".tag.suggested")).to_have_text(re.compile(r"^(grass|brick)\?$"))
    for index in range(4):
        page.locator(f'.tile[data-index="{index}"]').click()
    expect(page.locator(".tile.out")).to_have_count(4)
    assert labelled.carrying(labelled.wrong) == set(labelled.wrong), "nothing is decided before Enter"
    expect(page.locator("#confirm-text")).to_have_text("Take out 4, keep 26")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("4 pictures taken out · 26 kept")
    expect(page.locator("#message")).to_contain_text(f"All of {labelled.name} is looked through")
    expect(page.locator("#label-figures")).to_have_text("26 pictures · 26 looked through · 4 ruled out")
    assert labelled.carrying(ids) == set(labelled.right)
    page.reload()  # this tab still knows what it decided
    expect(page.locator("#message")).to_be_visible()
    page.keyboard.press("z")
    expect(page.locator(".toast")).to_contain_text("Undone: 30 pictures")
    shown(page)
    assert labelled.carrying(ids) == set(ids)
    again = image_ids(page)
    assert again == ids
    assert selected(page) == list(range(4, 30)), "they come as they were decided"


def test_the_keyboard_alone_takes_out_and_vouches_for_nothing_else(page: Page, labelled: Labelled) -> None:
    page.goto(labelled.url)
    shown(page)
    ids = image_ids(page)
    expect(page.locator("#second")).to_be_hidden()
    page.keyboard.press("n")  # nothing is out
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert selected(page) == list(range(3, 30))
    page.keyboard.press("f")
    expect(page.locator("#view-toggle")).to_have_text("Select")
    expect(page.locator("#view-labels")).to_contain_text(labelled.name)
    page.keyboard.press("Escape")
    expect(page.locator("#view")).to_be_hidden()
    page.keyboard.press("n")
    expect(page.locator(".toast")).to_contain_text("3 pictures taken out")
    shown(page)
    assert counts(page) == (27, 27)
    expect(page.locator("#label-figures")).to_contain_text("27 pictures · 0 looked through · 3 ruled out")
    assert labelled.carrying(ids) == set(ids[3:])
    expect(page.locator('.tile[data-index="0"]')).to_be_focused()
    page.keyboard.press("Control+z")
    shown(page)
    assert labelled.carrying(ids) == set(ids)


def test_tiles_have_a_number_only_where_they_lie_in_its_order(page: Page, labelled: Labelled) -> None:
    page.goto(labelled.url)
    page.locator(".tile").first.wait_for()
    numbers = page.locator(".tile footer b:visible")
    expect(numbers).to_have_count(0)
    expect(page.locator(".tile", has_text="score")).to_have_count(0)
    page.locator("#sort").select_option("unlike")
    expect(numbers.first).to_have_attribute("title", "cosine similarity to the rest of the label")
    shown = [float(text) for text in numbers.all_inner_texts()]
    assert len(shown) == 30
    assert shown == sorted(shown)
    page.get_by_role("link", name="Compare").click()
    page.locator("#mine-grid .tile").first.wait_for()
    expect(numbers).to_have_count(0)


def test_pages_turn_without_a_decision_and_are_in_the_address(page: Page, labelled: Labelled) -> None:
    page.goto(f"{labelled.url}?show=20")
    shown(page)
    first = image_ids(page)
    expect(page.locator("#earlier")).to_be_disabled()
    page.locator("#later").click()
    expect(page).to_have_url(f"{labelled.url}?show=20&from=20")
    shown(page)
    rest = image_ids(page)
    assert (len(first), len(rest), set(first) & set(rest)) == (20, 10, set())
    expect(page.locator("#later")).to_be_disabled()
    page.keyboard.press("Enter")  # the last page is decided: what is left is the one before
    expect(page.locator("#summary")).to_contain_text("1 to 20 of 20")
    shown(page)
    assert image_ids(page) == first
    page.locator("#everything").check()
    expect(page.locator("#summary")).to_contain_text("1 to 20 of 30")
    page.locator("#sort").select_option("newest")
    expect(page.locator("#summary")).to_contain_text("newest first")
    expect(page).to_have_url(f"{labelled.url}?sort=newest&show=20&all=1")
    shown(page)
    newest = image_ids(page)
    page.reload()
    shown(page)
    assert image_ids(page) == newest
    page.keyboard.press("Enter")
    expect(page.locator("#summary")).to_contain_text("21 to 30 of 30")
    page.go_back()
    expect(page.locator("#sort")).to_have_value("doubt")


def test_suggestions_are_confirmed_and_refused_on_one_page(page: Page, labelled: Labelled) -> None:
    page.goto(labelled.url)
    shown(page)
    page.get_by_role("link", name="Suggested").click()
    expect(page).to_have_url(f"{labelled.url}?tab=suggested")
    expect(page.locator("#summary")).to_contain_text("without a decision")
    shown(page)
    ids = image_ids(page)
    assert not set(ids) & {*labelled.right, *labelled.wrong}
    otherwise = page.locator(".tile:has(.tag)").evaluate_all("tiles => tiles.map(t => Number(t.dataset.index))")
    chosen = selected(page)
    assert otherwise and not set(otherwise) & set(chosen)
    page.locator(f'.tile[data-index="{chosen[0]}"]').click()
    yes = {ids[index] for index in chosen[1:]}
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text(f"{len(yes)} yes · {len(ids) - len(yes)} no")
    shown(page)
    assert not set(ids) & set(image_ids(page)), "what was decided comes back"
    assert labelled.carrying(ids[:20]) == yes & set(ids[:20])
    page.keyboard.press("z")
    expect(page.locator(".toast").last).to_contain_text(f"Undone: {len(ids)} pictures")
    shown(page)
    assert labelled.carrying(ids[:20]) == set()
    page.go_back()
    expect(page.locator("#summary")).to_contain_text("most likely wrong first")


def test_a_refusal_keeps_what_was_chosen(page: Page, labelled: Labelled, watch: Watch) -> None:
    watch.expected += ["400", "ERR_FAILED"]
    refusals = [400, 0]

    def refuse(route: Route) -> None:
        if route.request.method != "POST" or not refusals:
            route.fallback()
        elif status := refusals.pop(0):
            route.fulfill(status=status, json={"error": {"code": "invalid_value", "message": "Refused by a test."}})
        else:
            route.abort()  # no answer: it is sent again

    page.route("**/review", refuse)
    page.goto(labelled.url)
    shown(page)
    page.locator('.tile[data-index="1"]').click()
    with at_once(page):
        page.locator("#confirm").dblclick()  # one too many decides nothing unseen
        expect(page.locator(".toast.bad")).to_contain_text("Not saved: Refused by a test.")
    shown(page)
    assert selected(page) == [0, *range(2, 30)]
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="29 kept")).to_be_visible()
    assert len(labelled.carrying(labelled.wrong)) == 3


def test_what_a_closed_page_could_not_deliver_is_delivered_or_chosen_again(
    page: Page, labelled: Labelled, watch: Watch
) -> None:
    watch.expected += ["400", "ERR_FAILED"]
    refused = False

    def answer(route: Route) -> None:
        if route.request.method != "POST":
            route.fallback()
        elif refused:
            route.fulfill(status=400, json={"error": {"code": "invalid_value", "message": "Refused by a test."}})
        else:
            route.abort()

    page.route("**/review", answer)
    page.goto(labelled.url)
    shown(page)
    page.locator('.tile[data-index="2"]').click()
    page.keyboard.press("Enter")
    expect(page.locator(".toast.bad")).to_contain_text("kept here and sent again")
    page.goto("about:blank")  # or this very page, which tries again and again, is refused
    refused = True
    page.goto(labelled.url)
    expect(page.locator(".toast.bad")).to_contain_text("could not be saved: Refused by a test.")
    shown(page)
    assert selected(page) == [0, 1, *range(3, 30)]
    assert labelled.carrying(labelled.wrong) == set(labelled.wrong)


def test_somebody_elses_decision_holds_against_a_page_left_open(page: Page, labelled: Labelled) -> None:
    page.goto(labelled.url)
    shown(page)
    first = image_ids(page)[0]
    body = {"key": uuid4().hex, "removed": [first]}
    assert labelled.site.stack.post(f"/api/v1/labels/{labelled.id}/review", body).status == 200
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("29 kept · 1 decided by somebody else meanwhile")
    assert labelled.carrying([first]) == set()


def test_somebody_elses_decision_about_a_suggestion_holds(page: Page, labelled: Labelled) -> None:
    page.goto(f"{labelled.url}?tab=suggested")
    shown(page)
    many, first = len(image_ids(page)), image_ids(page)[0]
    body = {"key": uuid4().hex, "label": labelled.name, "decision": "no", "image_ids": [first]}
    assert labelled.site.stack.post("/api/v1/labels/decisions", body).status == 200
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text(
        f"{many - 1} pictures decided · 1 decided by somebody else meanwhile"
    )
    assert labelled.carrying([first]) == set()


def test_a_label_that_is_not_and_one_of_nothing(page: Page, site: Site, labelled: Labelled, watch: Watch) -> None:
    watch.expected += ["404", "409"]
    page.goto(f"{site.url}/labels/987654")
    expect(page.locator("#message")).to_contain_text("There is no such label")
    made = site.stack.post("/api/v1/labels", {"name": "of nothing"})
    empty = labelled.known()["of nothing"]["id"]
    assert made.status in (200, 201, 409), made.body
    for tab in ("", "?tab=suggested"):
        page.goto(f"{site.url}/labels/{empty}{tab}")
        expect(page.locator("#message")).to_contain_text("Nothing is labelled of nothing yet")
    page.get_by_role("button", name="Start a hunt").click()
    expect(page.locator("#label-input")).to_have_value("of nothing")
