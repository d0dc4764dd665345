"""Two installations at one address, one after the other: a page of the first writes nothing into the second."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.running import Site, Watch, labels_of
from tests.browser.screen import image_ids

pytestmark = pytest.mark.browser
DECISIONS = "**/api/v1/labels/decisions"
KEPT = "Object.keys(localStorage).filter((name) => name.startsWith('ruiji.outbox')).length"
ANOTHERS = "ruiji.outbox.another0.a key"


def test_a_decision_is_kept_for_the_installation_that_it_was_made_in(
    page: Page, results: Callable[[], Page], site: Site, watch: Watch
) -> None:
    watch.expected.append("409")
    tokens: list[str] = []
    page.on("request", lambda request: tokens.append(request.url) if request.url.endswith("/token") else None)

    def from_another(route: Route) -> None:
        assert len(route.request.headers["x-ruiji-installation"]) == 8
        route.continue_(headers={**route.request.headers, "x-ruiji-installation": "another0"})

    page.route(DECISIONS, from_another)
    results()
    page.keyboard.press("Escape")
    page.locator('.tile[data-index="3"]').click()
    image_id = image_ids(page)[3]
    page.locator("#label-input").fill("meant for one")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator(".toast.bad")).to_contain_text("belongs to another Ruiji; reload it")
    assert "meant for one" not in labels_of(site, image_id)
    assert page.evaluate(KEPT) == 1
    assert tokens == [], "no token of the other installation is fetched to try again with"
    page.goto("about:blank")
    page.unroute(DECISIONS)
    page.goto(site.url)
    expect(page.locator(".toast")).to_contain_text("now saved")
    assert "meant for one" in labels_of(site, image_id)


def test_what_another_installation_has_not_got_yet_waits_for_it(page: Page, site: Site) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "decisions" in request.url else None)
    page.goto(site.url)
    page.evaluate(
        """(name) => {
          const json = { key: "a key", label: "astray", decision: "yes", image_ids: [1] };
          localStorage.setItem(name, JSON.stringify({ path: "/labels/decisions", json, at: 1 }));
        }""",
        ANOTHERS,
    )
    page.reload()
    page.locator('[data-filter="label:grass"]').wait_for()
    page.wait_for_load_state("networkidle")
    assert sent == []
    assert page.evaluate("(name) => localStorage.getItem(name) !== null", ANOTHERS)


def test_a_search_on_another_installations_page_offers_to_reload(page: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("409")

    def as_another(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(
            response=answer, body=answer.text().replace('installation" content="', 'installation" content="x')
        )

    page.route(f"{site.url}/", as_another)
    page.goto(site.url)
    page.locator(".sample").first.click()
    expect(page.get_by_role("alert").filter(has_text="belongs to another Ruiji")).to_be_visible()
    page.unroute(f"{site.url}/")
    page.get_by_role("button", name="Reload").click()
    expect(page.locator(".tile").first).to_be_visible()
