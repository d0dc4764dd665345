"""While an answer is on its way, or does not come: no key acts on what is gone, no decision is lost or half made."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.running import Site, Watch, labels_of
from tests.browser.screen import first_held, image_ids, only_unlabelled, selected

pytestmark = pytest.mark.browser
DECISIONS = "**/api/v1/labels/decisions"
SEARCH = "**/api/v1/search*"
KEPT = "Object.keys(localStorage).filter((name) => name.startsWith('ruiji.outbox')).length"


def decide(page: Page, *indices: int, label: str) -> None:
    """Select these tiles alone and confirm the label for them, with the keyboard."""
    page.keyboard.press("Escape")
    for index in indices:
        page.locator(f'.tile[data-index="{index}"]').focus()
        page.keyboard.press("x")
    page.locator("#label-input").fill(label)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")


def search_by(page: Page, index: int) -> None:
    page.locator(f'.tile[data-index="{index}"]').focus()
    page.keyboard.press("s")


def test_no_key_acts_on_what_was_found_before(page: Page, results: Callable[[], Page], watch: Watch) -> None:
    watch.expected.append("ERR_FAILED")
    held: list[Route] = []
    hold = False
    page.route(SEARCH, lambda route: held.append(route) if hold else route.continue_())
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "decisions" in request.url else None)
    results()
    page.locator("#label-input").fill("unseen")
    page.keyboard.press("Enter")
    hold = True
    search_by(page, 1)
    page.locator(".skeleton").first.wait_for()
    for key in ("Enter", "Control+a", "i", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#confirm-bar")).to_be_hidden()
    first_held(page, held).abort()
    expect(page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    for key in ("Enter", "Control+a", "i", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#confirm-bar")).to_be_hidden()
    assert sent == []


def test_a_search_that_failed_is_not_repeated_once_another_was_made(
    page: Page, results: Callable[[], Page], watch: Watch
) -> None:
    watch.expected.append("ERR_FAILED")
    asked: list[str] = []
    gone = False

    def count(route: Route) -> None:
        asked.append(route.request.url)
        if gone:
            route.abort()
        else:
            route.continue_()

    page.route(SEARCH, count)
    results()
    gone = True
    search_by(page, 1)
    expect(page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    gone = False
    page.get_by_role("button", name="Try again").click()
    page.locator(".tag.own").wait_for()
    before = len(asked)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".tag.own")).to_be_visible()
    assert len(asked) == before


def test_more_that_nobody_waits_for_leaves_no_error_behind(page: Page, results: Callable[[], Page]) -> None:
    held: list[Route] = []
    hold = False
    page.route(SEARCH, lambda route: held.append(route) if hold and not held else route.continue_())
    results()
    hold = True
    page.mouse.move(800, 500)
    page.mouse.wheel(0, 100_000)
    expect(page.locator("#grid-end")).to_have_text("Loading more…")
    search_by(page, 3)
    page.locator(".tag.own").wait_for()
    assert page.locator("#grid-end").inner_text() == ""


def test_a_decision_under_way_shows_in_the_next_answer(page: Page, results: Callable[[], Page]) -> None:
    held: list[Route] = []
    page.route(DECISIONS, lambda route: held.append(route))
    results()
    only_unlabelled(page)
    image_id = image_ids(page)[2]
    decide(page, 2, label="under way")
    expect(page.locator('.tile[data-index="2"] .tag.saving')).to_have_text("under way")
    search_by(page, 2)
    own = page.locator(f'.tile[data-image-id="{image_id}"]:has(.tag.own)')
    expect(own.locator(".tag.saving")).to_have_text("under way")
    expect(own).to_have_attribute("aria-selected", "false")
    first_held(page, held).continue_()
    expect(own.locator(".tag.saving")).to_have_count(0)
    expect(own.locator(".tag").first).to_have_text("under way")


def test_what_is_taken_back_is_that_batch_and_no_other(
    page: Page, results: Callable[[], Page], site: Site, watch: Watch
) -> None:
    watch.expected.append("400")
    held: list[Route] = []
    page.route(DECISIONS, lambda route: route.continue_() if held else held.append(route))
    results()
    only_unlabelled(page)
    image_id = image_ids(page)[2]
    decide(page, 1, 2, 3, label="refused")
    expect(page.locator('.tile[data-index="3"] .tag.saving')).to_have_text("refused")
    decide(page, 2, label="stands")
    refusal = {"error": {"code": "invalid_value", "message": "No."}}
    first_held(page, held).fulfill(status=400, content_type="application/json", body=json.dumps(refusal))
    expect(page.locator(".toast.bad")).to_contain_text("Nothing was labelled")
    expect(page.locator(".toast").filter(has_text="labelled stands")).to_be_visible()
    expect(page.locator('.tile[data-index="2"] .tag')).to_have_text(["stands"])
    assert selected(page) == [1, 3]
    assert labels_of(site, image_id) == {"stands"}


@pytest.mark.parametrize("lost", ["body", "token"])
def test_a_decision_is_sent_again_after_any_answer_that_is_none(
    page: Page, results: Callable[[], Page], site: Site, watch: Watch, lost: str
) -> None:
    watch.expected += ["400", "ERR_FAILED"]
    keys: list[str] = []

    def spoil_the_first(route: Route) -> None:
        keys.append(json.loads(route.request.post_data or "{}")["key"])
        if len(keys) > 1:
            route.continue_()
        elif lost == "body":
            route.fulfill(status=200, content_type="application/json", body='{"batch": ')
        else:
            error = {"error": {"code": "csrf", "message": "No."}}
            route.fulfill(status=400, content_type="application/json", body=json.dumps(error))

    page.route(DECISIONS, spoil_the_first)
    page.route("**/api/v1/token", lambda route: route.abort())
    results()
    image_id = image_ids(page)[4]
    decide(page, 4, label=f"lost {lost}")
    expect(page.locator(".toast").filter(has_text=f"labelled lost {lost}")).to_be_visible()
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert f"lost {lost}" in labels_of(site, image_id)
    assert page.evaluate(KEPT) == 0


@pytest.mark.parametrize("undone", [False, True])
def test_a_decision_whose_answer_was_lost_is_known_under_another_author_too(
    page: Page, results: Callable[[], Page], site: Site, watch: Watch, undone: bool
) -> None:
    """As where nobody signs in, and the author's name is set anew before the same is sent again."""
    watch.expected += ["ERR_FAILED", "409"]
    label, keys = f"of before, undone {undone}", []

    def under_another_author(route: Route) -> None:
        sent = json.loads(route.request.post_data or "")
        keys.append(sent["key"])
        if len(keys) > 1:
            route.continue_()
            return
        other = {**sent, "image_ids": sent["image_ids"][::-1], "scores": None}  # what makes it another request
        assert site.stack.post("/api/v1/labels/decisions", other).status == 200
        route.abort()

    page.route(DECISIONS, under_another_author)
    results()
    image_id = image_ids(page)[7]
    decide(page, 7, 8, label=label)
    if undone:
        page.keyboard.press("Control+z")
        expect(page.locator(".toast").filter(has_text="Undone")).to_be_visible()
    else:
        expect(page.locator(".toast").filter(has_text=f"2 pictures labelled {label}")).to_be_visible()
        assert label in labels_of(site, image_id)
        page.keyboard.press("Control+z")
        expect(page.locator(".toast").filter(has_text="Undone: 2 pictures")).to_be_visible()
    assert len(keys) == 2 and keys[0] == keys[1]
    assert label not in labels_of(site, image_id)
    expect(page.locator(".toast", has_text="Nothing was labelled")).to_have_count(0)
    assert page.evaluate(KEPT) == 0


def test_an_undo_of_what_was_not_delivered_is_kept_with_it(
    page: Page, results: Callable[[], Page], site: Site, watch: Watch
) -> None:
    watch.expected.append("ERR_FAILED")
    page.route(DECISIONS, lambda route: route.abort())
    results()
    image_id = image_ids(page)[5]
    decide(page, 5, label="regretted")
    expect(page.locator(".toast.bad")).to_contain_text("sent again")
    page.keyboard.press("Control+z")
    page.goto("about:blank")
    page.unroute(DECISIONS)
    page.goto(site.url)
    expect(page.locator(".toast")).to_contain_text("now saved")
    assert "regretted" not in labels_of(site, image_id)
    batches = site.stack.request("GET", "/api/v1/batches?limit=20").json()["batches"]
    assert [batch["undone"] for batch in batches if batch["labels"] == ["regretted"] and batch["kind"] == "decide"] == [
        True
    ]
    assert page.evaluate(KEPT) == 0


def test_a_kept_decision_that_is_refused_is_told(page: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("404")
    page.goto(site.url)
    page.evaluate(
        """() => {
          const id = document.querySelector('meta[name="ruiji-installation"]').content;
          const json = { key: "a key", label: "no image", decision: "yes", image_ids: [99999999] };
          localStorage.setItem(`ruiji.outbox.${id}.a key`, JSON.stringify({ path: "/labels/decisions", json, at: 1 }));
        }"""
    )
    page.reload()
    expect(page.locator(".toast.bad")).to_contain_text("could not be saved: There is no image 99999999")
    assert page.evaluate(KEPT) == 0
