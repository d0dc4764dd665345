"""The steps of a hunt that small collections seldom take: a line, probes, samples, runs accepted unseen, the end."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hunt_double import HUNT_ID, best, double, shown, visit
from tests.browser.running import Site
from tests.browser.screen import selected

pytestmark = pytest.mark.browser


def test_what_lies_below_the_line_or_has_another_label_is_not_selected(page: Page, site: Site) -> None:
    hunt = double(page, site, best(20, cut=14), best(12))
    for at in (2, 16):
        hunt.pictures[at]["labels"] = [{"id": 3, "name": "grass", "colour": "#3a3", "state": "yes", "origin": "person"}]
    visit(page, site)
    assert selected(page) == [n for n in range(14) if n != 2]
    expect(page.locator(".cut")).to_contain_text("Below the line: less likely, not selected")
    expect(page.locator("#confirm-text")).to_have_text("Confirm 13 yes · 7 no")
    expect(page.locator("#selection-warning")).to_have_text("2 no: another label")
    page.locator('.tile[data-index="1"]').click()
    page.keyboard.press("i")
    assert selected(page) == [1], "inverting leaves what lies below the line"
    page.keyboard.press("Enter")
    shown(page)
    expect(page.locator(".tile")).to_have_count(12)
    assert [len(hunt.sent[0]["yes"]), len(hunt.sent[0]["no"]), hunt.sent[0]["token"]] == [1, 19, "token-0"]


def test_a_page_without_a_line_arrives_as_most_of_the_last_one_was(page: Page, site: Site) -> None:
    double(page, site, best(6), best(8, cut=0), best(10, cut=0), best(12))
    visit(page, site)
    assert selected(page) == list(range(6))
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(8)
    shown(page)
    assert selected(page) == list(range(8))
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(10)
    shown(page)
    assert selected(page) == []
    page.keyboard.press("i")
    assert selected(page) == list(range(10))
    page.keyboard.press("i")
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(12)
    shown(page)
    assert selected(page) == []


def test_a_probe_a_sample_and_a_run_accepted_unseen(page: Page, site: Site) -> None:
    hunt = double(
        page, site, best(10, kind="probe", run=480), best(10, kind="sample", run=1440),
        lambda _: {"kind": "accept", "run": 1440, "count": 1440, "wrong": 0.008, "checked": 120},
        lambda _: {"kind": "end"},
    )  # fmt: skip
    page.goto(f"{site.url}/hunts/{HUNT_ID}")
    shown(page, "probe")
    expect(page.locator("#banner")).to_contain_text("Jumped 480 ahead: are these still “plane”?")
    page.keyboard.press("Enter")
    shown(page, "sample")
    expect(page.locator("#banner")).to_contain_text("A sample of the 1,440 above here")
    page.keyboard.press("Enter")
    shown(page, "accept")
    expect(page.locator("#message")).to_contain_text("Accept 1,440 pictures above here unseen?")
    expect(page.locator("#message")).to_contain_text("about 12 pictures")
    expect(page.locator("#confirm-bar")).to_be_hidden()
    expect(page.locator("#estimate")).to_be_visible()
    expect(page.locator("#estimate-text")).to_contain_text("about 60 remain")
    page.keyboard.press("n")
    shown(page, "end")
    assert hunt.sent[-1]["accept"] is False
    expect(page.locator("#message")).to_contain_text("Nothing undecided is left")
    hunt.turn = 2
    page.reload()
    shown(page, "accept")
    page.keyboard.press("Enter")
    shown(page, "end")
    assert hunt.sent[-1]["accept"] is True
    page.locator("#message").get_by_role("button", name="Finish").click()
    expect(page.locator("#message")).to_contain_text("This hunt is finished")
    page.reload()
    page.get_by_role("button", name="Take it up again").click()
    shown(page, "end")


def test_a_random_check_arrives_unselected_and_brings_an_estimate(page: Page, site: Site) -> None:
    double(page, site, best(10), best(10), lambda made: {**best(10)(made), "checked": 30})
    visit(page, site)
    page.keyboard.press("Enter")
    expect(page.locator("#hunt-figures")).to_contain_text("10 found")
    shown(page)
    expect(page.locator("#estimate")).to_be_hidden()
    page.get_by_role("button", name="How many are left?").click()
    shown(page, "check")
    expect(page.locator("#banner")).to_contain_text("A random check: select every “plane” among these")
    expect(page.locator(".tile")).to_have_count(30)
    assert selected(page) == []
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    expect(page.locator("#hunt-figures")).to_contain_text("11 found · 29 rejected")
    shown(page)
    assert selected(page) == list(range(10)), "what a check was decided to be says nothing of the next page"
    expect(page.locator("#estimate-text")).to_contain_text("about 60 remain")


def test_a_random_check_does_not_begin_with_what_was_taken_back(page: Page, site: Site) -> None:
    double(page, site, best(10), best(10))
    visit(page, site)
    page.keyboard.press("Enter")
    expect(page.locator("#hunt-figures")).to_contain_text("10 found")
    shown(page)
    page.keyboard.press("z")
    expect(page.locator(".toast").last).to_contain_text("Undone: 10 pictures as before")
    shown(page)
    assert selected(page) == list(range(10))
    page.get_by_role("button", name="How many are left?").click()
    shown(page, "check")
    assert selected(page) == []
