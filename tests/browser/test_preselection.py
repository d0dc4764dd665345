"""Which label a page arrives with, and which of its tiles arrive selected: those of which nothing speaks against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.many import Many
from tests.browser.running import Site
from tests.browser.screen import counts, selected

pytestmark = pytest.mark.browser
Says = Callable[[int], str]  # place -> "truck?" is suggested, "truck" is a label, "!truck" is none of it, "" is nothing


class Told(Many):
    """A search that finds as many images as it asks for, each of which says what `says` makes it say."""

    says: Says

    def result(self, place: int) -> dict[str, Any]:
        """The result at this place."""
        said = self.says(place)
        suggestion, labels = None, []
        if said.endswith("?"):
            suggestion = {"name": said[:-1], "colour": "#888888", "share": 0.9}
        elif said:
            state = "no" if said.startswith("!") else "yes"
            labels = [
                {"id": 987, "name": said.lstrip("!"), "colour": "#888888", "state": state, "origin": "person"},
            ]
        return {**super().result(place), "suggestion": suggestion, "labels": labels}


@pytest.fixture
def told(page: Page, site: Site) -> Callable[..., Told]:
    """Opens a search of which each place says something, where the server knows these labels."""

    def search(says: Says, *, k: int = 60, known: dict[str, int] | None = None) -> Told:
        made = Told(page, site)
        made.says = says
        rows = [
            {"id": n, "name": name, "colour": "#888888", "group": None, "exclusive": False, "yes": yes, "no": 0}
            for n, (name, yes) in enumerate((known or {"truck": 100, "cat": 100}).items(), start=1)
        ]

        def labels(route: Route) -> None:
            route.fulfill(json={"labels": rows})

        page.route("**/api/v1/labels", labels)
        made.open(k)
        expect(page.locator("#label-list .filter")).to_have_count(len(rows))
        return made

    return search


def label(page: Page) -> str:
    return page.locator("#label-input").input_value()


def places(says: Says, wanted: set[str], many: int = 60) -> list[int]:
    return [place for place in range(many) if says(place) in wanted]


def three_quarters(place: int) -> str:
    """Truck, here and there something that speaks against it."""
    return {3: "cat?", 7: "truck", 11: "", 14: "!truck", 19: "bird?", 20: "cat"}.get(place, "truck?")


def test_what_speaks_against_the_label_does_not_arrive_selected(page: Page, told: Callable[..., Told]) -> None:
    made = told(three_quarters)
    assert label(page) == "truck"
    assert selected(page) == places(three_quarters, {"truck?", ""})
    assert not {3, 7, 14, 19, 20} & set(selected(page))
    expect(page.locator(".tile.out")).to_have_count(0)  # nobody took them out
    page.locator('.tile[data-index="5"]').click()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("54 pictures labelled truck")
    assert len(made.sent[0]["image_ids"]) == 54


def test_no_label_is_preset_where_the_nearest_do_not_clearly_agree(page: Page, told: Callable[..., Told]) -> None:
    made = told(lambda place: "truck?" if place % 5 < 3 else "cat?")  # 18 of 30
    assert label(page) == ""
    assert counts(page) == (60, 60), "no label is meant: all are selected, as neighbours are"
    page.keyboard.press("Enter")
    expect(page.locator("#label-input")).to_be_focused()
    page.keyboard.press("Escape")
    page.locator("#confirm").click()
    expect(page.locator("#label-input")).to_be_focused()
    assert made.sent == []


def test_twenty_of_thirty_are_enough(page: Page, told: Callable[..., Told]) -> None:
    told(lambda place: "truck?" if place < 10 else "truck" if place < 20 else "cat?")
    assert label(page) == "truck"
    assert selected(page) == list(range(10))


def test_the_selection_follows_the_label_until_a_tile_is_chosen_by_hand(page: Page, told: Callable[..., Told]) -> None:
    told(three_quarters)
    page.keyboard.press("2")
    assert label(page) == "cat"
    assert selected(page) == places(three_quarters, {"cat?", "", "!truck"})
    page.locator("#label-input").fill("lorry")  # new: no suggestion can speak against it
    assert selected(page) == places(three_quarters, {"truck?", "cat?", "bird?", "", "!truck"})
    page.locator("#label-input").fill("truck")
    page.keyboard.press("Enter")
    assert selected(page) == places(three_quarters, {"truck?", ""})
    page.locator('.tile[data-index="3"]').click()
    page.keyboard.press("2")
    assert label(page) == "cat"
    assert selected(page) == sorted([*places(three_quarters, {"truck?", ""}), 3])


def test_a_label_that_is_too_young_to_be_suggested_is_not_spoken_against(page: Page, told: Callable[..., Told]) -> None:
    told(lambda _: "truck?", known={"truck": 500, "cat": 9, "bird": 10})
    page.keyboard.press("2")
    assert (label(page), counts(page)[0]) == ("cat", 60)
    page.keyboard.press("3")
    assert (label(page), counts(page)[0]) == ("bird", 0)


def test_after_a_confirm_the_rest_follows_the_next_label(page: Page, told: Callable[..., Told]) -> None:
    made = told(three_quarters)
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("55 pictures labelled truck")
    assert selected(page) == []
    page.keyboard.press("2")
    assert selected(page) == places(three_quarters, {"cat?", "!truck"})
    assert len(made.sent) == 1


def test_of_thousands_only_the_first_sixty_arrive_selected(page: Page, told: Callable[..., Told]) -> None:
    made = told(lambda _: "truck?", k=5000)
    assert counts(page) == (60, 5000)
    made.scroll(1000)
    expect(page.locator(".cut")).to_have_text("Less alike: not selected")
    made.scroll(0)
    page.keyboard.press("2")
    page.keyboard.press("1")
    assert counts(page) == (60, 5000)
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("60 pictures labelled truck")
    assert len(made.sent[0]["image_ids"]) == 60
