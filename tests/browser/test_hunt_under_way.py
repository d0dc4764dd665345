"""In a hunt nothing decided is lost: answers that do not come, other people, one Enter too many."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.hunt_double import HUNT_ID, best, double, shown, visit
from tests.browser.running import Site, Watch
from tests.browser.screen import at_once, image_ids, selected

pytestmark = pytest.mark.browser
KEPT = "Object.keys(localStorage).filter((name) => name.startsWith('ruiji.outbox')).length"
DECISIONS = f"**/api/v1/hunts/{HUNT_ID}/decisions"
STEP = f"**/api/v1/hunts/{HUNT_ID}/step?*"


def test_one_enter_too_many_decides_nothing_unseen(page: Page, site: Site) -> None:
    hunt = double(page, site, best(10), best(12))
    visit(page, site)
    with at_once(page):
        page.locator("#confirm").dblclick()
        page.keyboard.press("Enter")
        expect(page.locator(".tile")).to_have_count(12)
        page.keyboard.press("Enter")
    shown(page)
    expect(page.locator(".tile")).to_have_count(12)
    assert len(hunt.sent) == 1


def test_a_confirm_whose_answer_is_lost_counts_once_and_the_page_waits_for_it(
    page: Page, site: Site, watch: Watch
) -> None:
    watch.expected += ["ERR_FAILED"]
    hunt = double(page, site, best(10), best(12))
    lost: list[dict[str, object]] = []

    def lose_the_first_answer(route: Route) -> None:
        if lost:
            route.fallback()
            return
        lost.append(json.loads(route.request.post_data or "{}"))
        hunt.reply("POST", f"/hunts/{HUNT_ID}/decisions", lost[0])
        route.abort()

    page.route(DECISIONS, lose_the_first_answer)
    visit(page, site)
    page.keyboard.press("Enter")
    expect(page.locator(".toast.bad")).to_contain_text("kept here and sent again")
    expect(page.locator(".skeleton").first).to_be_visible()
    shown(page)
    expect(page.locator(".tile")).to_have_count(12)
    assert [body["key"] for body in hunt.sent] == [lost[0]["key"]] * 2
    assert len(hunt.batches) == 1
    assert page.evaluate(KEPT) == 0


def test_a_decision_that_was_not_delivered_goes_first_on_the_next_page(page: Page, site: Site, watch: Watch) -> None:
    watch.expected += ["ERR_FAILED"]
    hunt = double(page, site, best(10), best(12))
    page.route(DECISIONS, lambda route: route.abort())
    visit(page, site)
    ids = image_ids(page)
    page.keyboard.press("Enter")
    expect(page.locator(".toast.bad")).to_contain_text("sent again")
    page.goto("about:blank")  # or this very page, which tries again and again, delivers it
    page.unroute(DECISIONS)
    visit(page, site)
    expect(page.locator(".toast")).to_contain_text("now saved")
    assert set(hunt.decided) == set(ids)
    assert not set(ids) & set(image_ids(page))


def test_a_refusal_because_of_somebody_else_keeps_what_was_chosen(page: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("409")
    hunt = double(page, site, best(10))
    hunt.refuse.append((409, "hunt_changed"))
    visit(page, site)
    page.locator('.tile[data-index="6"]').click()
    page.keyboard.press("Enter")
    expect(page.locator(".toast.bad")).to_contain_text("What you chose is kept")
    shown(page)
    assert selected(page) == [n for n in range(10) if n != 6]
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text(["Not saved", "9 yes · 1 no"])


def test_a_step_that_somebody_else_crossed_is_asked_again(page: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("409")
    double(page, site, best(10))
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.fallback()
            return
        refused.append(route.request.url)
        body = {"error": {"code": "hunt_changed", "message": "The hunt has changed."}}
        route.fulfill(status=409, content_type="application/json", body=json.dumps(body))

    page.route(STEP, refuse_once)
    visit(page, site)
    expect(page.locator(".tile")).to_have_count(10)
    assert len(refused) == 1


def test_what_was_decided_of_a_deleted_hunt_can_still_be_labelled(page: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("404")
    hunt = double(page, site, best(4))
    visit(page, site)
    hunt.deleted = True
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_contain_text("This hunt is gone")
    labelled: list[dict[str, object]] = []

    def take(route: Route) -> None:
        labelled.append(json.loads(route.request.post_data or "{}"))
        answer = {"batch": 1, "applied": 4, "unchanged": 0, "repeated": False}
        route.fulfill(content_type="application/json", body=json.dumps(answer))

    page.route("**/api/v1/labels/decisions", take)
    page.get_by_role("button", name="Label them plane all the same").click()
    expect(page).to_have_url(f"{site.url}/hunts")
    assert [(one["label"], one["decision"]) for one in labelled] == [("plane", "yes")]
