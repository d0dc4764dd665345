"""Any text at all, drawn by hypothesis: no rule breaks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.index_filter import IndexFilter, expression
from curate.exports.names import safe_name
from curate.exports.spreadsheet import protected, unprotected
from tests.attacks.speaking import Attacker
from tests.attacks.tally import TIMES
from tests.attacks.texts import texts
from webui.errors import ApiError
from webui.folders import resolve

ANY = settings(
    max_examples=100 * TIMES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FEW = settings(ANY, max_examples=25 * TIMES)
TEXT = st.text(max_size=60) | st.sampled_from(texts(400))
PARTS = st.lists(st.sampled_from(["..", ".", "", "a", "link", "~", "\\..", "%2e%2e", "x\0", "etc"]) | TEXT, max_size=6)
SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


@ANY
@given(TEXT)
def test_every_cell_is_text_and_comes_back(text: str) -> None:
    assert not protected(text).startswith(SIGNS)
    assert unprotected(protected(text)) == text


@ANY
@given(TEXT)
def test_every_name_of_a_folder_is_one_part_of_a_path(text: str) -> None:
    name = safe_name(text)
    assert name not in ("", ".", "..") and not set(name) & set('/\\:\0\r\n"') and name[0] not in ".-~"
    assert len(name.encode()) < 250


@ANY
@given(st.lists(TEXT | st.booleans() | st.floats() | st.none(), min_size=1, max_size=3))
def test_a_filter_takes_nothing_but_whole_numbers(values: list[Any]) -> None:
    for field in ("labels_any", "labels_none", "sources", "exclude"):
        wanted: dict[str, Any] = {field: tuple(values)}
        with pytest.raises(TypeError):
            expression(IndexFilter(**wanted))


@ANY
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5))
def test_an_expression_has_no_letters_but_its_own(values: list[int]) -> None:
    written = expression(IndexFilter(labels_any=tuple(values), sources=(1,), exclude=tuple(values), also=(2,)))
    assert re.fullmatch(r"[a-z_0-9 ()\[\],-]+", written)
    assert set(re.findall(r"[a-z_]+[0-9]?", written)) <= {
        *(f"label_{one}" for one in range(4)),
        "source_0",
        "source_1",
        "id",
        "in",
        "or",
        "and",
        "not",
    }


@ANY
@given(PARTS)
def test_a_path_is_below_the_root_or_refused(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    root = tmp_path_factory.getbasetemp() / "any" / "root"
    if not root.exists():
        (root / "a").mkdir(parents=True)
        (root.parent / "outside").mkdir()
        (root / "link").symlink_to(root.parent / "outside")
    for asked in ("/".join([str(root), *parts]), "/".join(parts)):
        try:
            found = resolve(asked, [root])
        except ApiError as error:
            assert 400 <= error.status < 500
        else:
            assert found == root or root in found.parents
            assert Path(found).is_dir()


@FEW
@given(TEXT)
def test_any_text_as_a_label_is_found_again_or_refused(attacker: Attacker, text: str) -> None:
    made = attacker.post("/api/v1/labels", {"name": text})
    assert made.status in (201, 400), made.body
    matched = attacker.post("/api/v1/matches", {"label": text, "keep": False})
    assert matched.status == 201 if made.status == 201 else matched.status in (400, 404), matched.body
