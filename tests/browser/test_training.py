"""Training on the pages: the form starts a run, the jobs page draws what it learns and pauses and ends it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import delete

from catalog import gangs, tables
from catalog.gangs import Member
from catalog.ledger import Ledger
from catalog.run_progress import note_epochs
from catalog.runs import Epoch, cancel_run, create_run, get_run, list_runs
from catalog.sources import list_sources
from tests.browser import axe
from tests.browser.running import Site
from tests.browser.screen import first_held

pytestmark = pytest.mark.browser
BEGUN_MS = 120_000  # until a worker that is busy has taken up a run: torch alone takes seconds to load


@pytest.fixture
def ledger(site: Site) -> Iterator[Ledger]:
    """The site's ledger; afterwards there is no run."""
    ledger = Ledger.open(f"sqlite:///{site.stack.home / 'ledger.db'}")
    yield ledger
    for run in list_runs(ledger):
        cancel_run(ledger, run.id)
    with ledger.write() as connection:
        for table in (tables.trainer, tables.run_epoch, tables.run):
            connection.execute(delete(table))
    ledger.close()


def learning(ledger: Ledger, *, epochs: int) -> Member:
    """A run that this test trains in the place of a worker."""
    sources = [row.source.id for row in list_sources(ledger)]
    create_run(ledger, name="own photos", preset="photos", source_ids=sources, author="test")
    reading = offered(ledger)
    gangs.advance(ledger, reading, "train", epochs=epochs, pictures=210, left_out=1)
    gangs.leave(ledger, reading)
    return offered(ledger)


def offered(ledger: Ledger) -> Member:
    member = gangs.offer(ledger, worker="test", address="127.0.0.1", lease_s=600)
    assert isinstance(member, Member)
    return member


def measured(first: int, last: int) -> list[Epoch]:
    return [Epoch(n, 2 + 4 / n, 0.3 - 0.004 * n, 0.08, 0.2 + 0.005 * n, 812.4, 11.0) for n in range(first, last + 1)]


def test_curves_grow_while_a_run_learns_and_the_numbers_lie_behind_them(page: Page, site: Site, ledger: Ledger) -> None:
    member = learning(ledger, epochs=60)
    note_epochs(ledger, member, measured(1, 12))
    page.goto(f"{site.url}/jobs")
    run = page.locator(f'[data-run="{member.run_id}"]')
    expect(run.locator(".state")).to_have_text("Training")
    expect(run.locator(".figures")).to_contain_text("12 of 60 epochs")
    expect(run.locator(".figures")).to_contain_text("812 images/s")
    expect(run.locator(".figures")).to_contain_text("9 min left")
    loss = run.locator(".curve", has_text="Loss")
    expect(loss.locator("svg")).to_have_attribute("aria-label", "Loss by epoch: 6.000 at first, 2.333 after epoch 12")
    note_epochs(ledger, member, measured(13, 15))
    expect(loss.locator("b")).to_have_text("2.267")
    expect(run.locator(".curve:visible")).to_have_count(3)
    button = run.get_by_role("button", name="Numbers")
    button.press("Enter")
    rows = run.locator(".epochs tbody tr")
    expect(rows).to_have_count(15)
    expect(rows.first).to_contain_text("2.2667")
    note_epochs(ledger, member, measured(16, 16))
    expect(rows).to_have_count(16)
    expect(button).to_be_focused()
    expect(page.locator("#running")).to_contain_text("Training own photos · epoch 16 of 60")
    loss.locator("svg").hover(position={"x": 2, "y": 20})
    expect(loss.locator("b")).to_have_text("6.000")
    note_epochs(ledger, member, measured(17, 17))
    expect(run.locator(".figures")).to_contain_text("17 of 60 epochs")
    expect(rows).to_have_count(17)
    assert loss.locator("b").inner_text() == "6.000", "what is pointed at stays, whatever came since"
    run.get_by_role("button", name="Curves").click()
    expect(loss).to_be_hidden()


def test_epochs_that_two_answers_bring_are_there_once(page: Page, site: Site, ledger: Ledger) -> None:
    held: list[Route] = []
    holding = False
    page.route(
        re.compile(r"/training/[^/?]+[?]after="), lambda route: held.append(route) if holding else route.continue_()
    )
    member = learning(ledger, epochs=60)
    note_epochs(ledger, member, measured(1, 3))
    page.goto(f"{site.url}/jobs")
    button = page.get_by_role("button", name="Numbers")
    button.click()
    rows = page.locator(".epochs tbody tr")
    expect(rows).to_have_count(3)
    holding = True
    note_epochs(ledger, member, measured(4, 4))
    for _ in range(2):  # what is opened asks at once, whatever is on its way
        button.click()
    first_held(page, held, many=2)
    holding = False
    for route in held:
        route.continue_()
    note_epochs(ledger, member, measured(5, 5))
    expect(rows.first.locator("th")).to_have_text("5")
    expect(rows).to_have_count(5)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_run_has_no_serious_fault_in_either_theme(page: Page, site: Site, ledger: Ledger, theme: str) -> None:
    member = learning(ledger, epochs=60)
    note_epochs(ledger, member, measured(1, 30))
    page.emulate_media(color_scheme="light" if theme == "light" else "dark", reduced_motion="reduce")
    page.add_init_script(axe.source())
    page.goto(f"{site.url}/jobs")
    page.get_by_role("button", name="Numbers").click()
    expect(page.locator(".epochs tbody tr")).to_have_count(30)
    assert axe.faults(page) == []
    page.goto(f"{site.url}/encoders")
    page.get_by_role("button", name="Train an encoder").click()
    expect(page.locator("#train-sources input")).not_to_have_count(0)
    assert axe.faults(page) == []


def test_a_run_is_started_on_the_form_paused_resumed_and_cancelled(page: Page, site: Site, ledger: Ledger) -> None:
    page.goto(f"{site.url}/encoders")
    page.get_by_role("button", name="Train an encoder").click()
    expect(page.locator("#train-name")).to_be_focused()
    expect(page.locator("#train-about")).to_contain_text("two CPU cores")
    page.locator("#train-name").fill("from the page")
    for box in page.locator("#train-sources input").all():
        box.uncheck()
    page.locator("#train").get_by_role("button", name="Start").click()
    expect(page.locator("#train-error")).to_contain_text("at least one folder")
    page.locator("#train-sources input").first.check()
    page.locator("#train-epochs").fill("3")
    page.locator("#train-name").press("Enter")
    page.wait_for_url("**/jobs")
    run = page.locator(".run", has_text="from the page")
    # Any source here has fewer photos than a batch of the preset: the worker that `ruiji up` has started says so.
    expect(run.locator(".state")).to_have_text("Failed", timeout=BEGUN_MS)
    expect(run.locator(".job-error")).to_contain_text(re.compile(r"\d+ pictures are fewer than one batch"))
    assert get_run(ledger, list_runs(ledger)[0].id).changes == {"epochs": 3}
    run.get_by_role("button", name="Cancel").click()
    expect(run.locator(".state")).to_have_text("Cancelled")
    expect(run.get_by_role("button", name="Try again")).to_have_count(0)


def test_where_nothing_can_train_start_is_not_offered_and_the_remedy_is(page: Page, site: Site) -> None:
    page.route("**/api/v1/training?*", lambda route: route.fulfill(json={**route.fetch().json(), "workers": 0}))
    page.goto(f"{site.url}/encoders")
    page.get_by_role("button", name="Train an encoder").click()
    expect(page.locator("#train-idle")).to_contain_text("make setup")
    expect(page.locator("#train").get_by_role("button", name="Start")).to_be_disabled()


def test_a_run_is_paused_and_resumed_on_its_card(page: Page, site: Site, ledger: Ledger) -> None:
    member = learning(ledger, epochs=60)
    page.goto(f"{site.url}/jobs")
    run = page.locator(f'[data-run="{member.run_id}"]')
    run.get_by_role("button", name="Pause").click()
    expect(run.locator(".state")).to_have_text("Paused")
    assert gangs.beat(ledger, member, lease_s=600) == "paused"
    run.get_by_role("button", name="Resume").click()
    expect(run.locator(".state")).to_have_text("Training")
    assert gangs.beat(ledger, member, lease_s=600) == "go"
