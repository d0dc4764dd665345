"""A thousand hostile texts as labels, names and values: kept as they are or refused, and never obeyed."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import sqlite3
import unicodedata
from pathlib import Path

import pytest

from curate.exports.spreadsheet import protected
from tests.attacks.conftest import HOSTILE_FILES, file_names
from tests.attacks.fields import FIELDS
from tests.attacks.speaking import Attacker, Heard
from tests.attacks.tally import TIMES, Tally
from tests.attacks.texts import LINES, texts
from tests.stack import Stack

TEXTS = texts(1000 * TIMES)
BY_GUNICORN = (400, 414, 431)  # what it refuses before the application is asked
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def normal(text: str) -> str:
    """How the page's rules keep a name: composed (NFC), without space around it."""
    return unicodedata.normalize("NFC", text).strip()


def encodable(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)


@pytest.fixture(scope="module")
def images(attacker: Attacker) -> list[int]:
    """The ids of all photos."""
    sources = {one["name"]: one["images"] for one in attacker.get("/api/v1/sources").json()["sources"]}
    found = attacker.post("/api/v1/search", {"image_id": 1, "k": 100}).json()["results"]
    assert sources == {"plain": 9, "hostile": HOSTILE_FILES} and len(found) == HOSTILE_FILES + 9
    return sorted(one["image_id"] for one in found)


@pytest.fixture(scope="module")
def labelled(stack: Stack, images: list[int], tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[int]]:
    """Each text as the label of one photo, by an import: the labels as they should be now, with their photos."""
    meant: dict[str, set[int]] = {}
    path = tmp_path_factory.mktemp("texts") / "hostile.csv"
    with path.open("w", encoding="utf-8", newline="") as sink:
        rows = csv.writer(sink)
        rows.writerow(("image_id", "label", "path"))
        rows.writerows(("", "sky", text) for text in LINES)  # of no photo: what is not known is named on the terminal
        for number, text in enumerate(filter(encodable, TEXTS)):
            image = images[number % len(images)]
            rows.writerow((image, protected(text), ""))
            meant.setdefault(normal(text), set()).add(image)
    done = stack.command("import", str(path), timeout_s=120)
    assert "read:" in done.stdout, done.stderr
    shown = {one for one in done.stdout + done.stderr if unicodedata.category(one) == "Cc"}
    assert shown <= {"\n"}, f"a terminal was sent {shown}"
    return meant


def there(attacker: Attacker) -> dict[str, int]:
    """The labels that there are, with the number of their photos."""
    return {row["name"]: row["yes"] for row in attacker.get("/api/v1/labels").json()["labels"]}


def unharmed(answer: Heard, text: str) -> None:
    """No error of the server's, no header of the asker's, no page with the asker's elements."""
    assert answer.status < 500, (text, answer.status, answer.body[:300])
    assert "X-Injected" not in answer.headers, text
    assert answer.headers["X-Content-Type-Options"] == "nosniff" or answer.status in BY_GUNICORN, text
    if answer.headers.get_content_type() == "text/html" and "<" in text and len(text) > 3:
        assert text.encode("utf-8", "replace") not in answer.body, text
    if answer.headers.get_content_type() == "application/json" and answer.body:
        answer.json()


def test_a_label_comes_back_as_it_was_written_or_is_not_there(
    attacker: Attacker, labelled: dict[str, set[int]], tally: Tally
) -> None:
    known = there(attacker)
    assert known.keys() <= labelled.keys() | {"sky", "grass", "brick"}
    kept = known.keys() & labelled.keys()
    assert len(kept) > 0.6 * len(labelled), "most texts can be labels"
    for name in sorted(labelled.keys() - kept):
        answer = attacker.post("/api/v1/labels", {"name": name})
        assert 400 <= answer.status < 500, name
        assert answer.json()["error"]["message"], name
    tally["injections"] += len(TEXTS)


def test_a_filter_finds_what_has_exactly_that_label_and_no_more(
    attacker: Attacker, labelled: dict[str, set[int]], tally: Tally
) -> None:
    known = there(attacker)
    for text in TEXTS:
        answer = attacker.post("/api/v1/matches", {"label": text, "keep": False})
        unharmed(answer, text)
        wanted = known.get(normal(text), 0) if encodable(text) else 0
        if answer.status == 201:
            tally["escapes"] += answer.json()["matched"] != wanted
            assert answer.json()["matched"] == wanted, text
        else:
            assert answer.status in (400, 404) and wanted == 0, (text, answer.body)
    tally["injections"] += len(TEXTS)


def test_a_search_by_vector_finds_what_has_exactly_that_label_and_no_more(
    attacker: Attacker, labelled: dict[str, set[int]], images: list[int], tally: Tally
) -> None:
    known = there(attacker)
    sample = sorted(known.keys() & labelled.keys())[:: max(1, len(known) // (40 * TIMES))]
    for text in sample:
        answer = attacker.post("/api/v1/search", {"image_id": images[0], "label": text, "k": 100})
        found = {one["image_id"] for one in answer.json()["results"]}
        tally["escapes"] += bool(found - labelled[text])
        assert found == labelled[text], text
    tally["injections"] += len(sample)


def test_a_filter_that_is_put_together_from_text_is_caught(
    stack: Stack, attacker: Attacker, labelled: dict[str, set[int]]
) -> None:
    """The control: the same question, asked with the text inside the expression."""
    known, wider, broken = there(attacker), 0, 0
    path = next(stack.home.rglob("*.db"))
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as ledger:
        ask = "SELECT count(DISTINCT image_id) FROM label_state JOIN label ON label.id = label_id WHERE name = '%s'"
        for text in filter(encodable, TEXTS):
            try:
                matched = ledger.execute(ask.replace("%s", text)).fetchone()[0]
                wider += matched > known.get(normal(text), 0)
            except (sqlite3.Error, sqlite3.Warning):
                broken += 1
    assert wider > 20 and broken > 20


def test_no_field_obeys_a_text(attacker: Attacker, labelled: dict[str, set[int]], tally: Tally) -> None:
    before = there(attacker)
    for text, (name, send) in zip(TEXTS, itertools.cycle(FIELDS.items())):
        answer = send(attacker, text)
        try:
            unharmed(answer, text)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
    assert there(attacker) == before, "no label came or went"
    tally["injections"] += len(TEXTS)


def test_names_of_hunts_and_groups_come_back_as_they_were_written(attacker: Attacker, tally: Tally) -> None:
    sample = TEXTS[:: max(1, len(TEXTS) // (60 * TIMES))]
    for text in sample:
        made = attacker.post("/api/v1/hunts", {"label": "sky", "name": text})
        unharmed(made, text)
        if made.status == 201:
            assert made.json()["name"] in (text.strip() or None,), text
            unharmed(attacker.get(f"/hunts/{made.json()['id']}"), text)
        else:
            assert made.status == 400, text
        grouped = attacker.put_json("PATCH", "/api/v1/labels/1", {"group": text, "exclusive": False})
        unharmed(grouped, text)
        assert grouped.status == 400 or grouped.json()["group"] == normal(text), text
    attacker.put_json("PATCH", "/api/v1/labels/1", {"group": None})
    tally["injections"] += 2 * len(sample)


def test_names_of_photos_come_back_byte_for_byte(
    stack: Stack, attacker: Attacker, images: list[int], tally: Tally
) -> None:
    places = [attacker.get(f"/api/v1/images/{one}").json()["places"][0]["path"] for one in images]
    folder = os.fsencode(stack.allowed_root) + b"/hostile/"
    names = {(folder + name).decode("utf-8", "backslashreplace") for name in file_names(HOSTILE_FILES)}
    assert names <= set(places)
    bad = attacker.get("/api/v1/jobs/2/bad").json()
    assert "onerror" in json.dumps(bad)
    tally["injections"] += len(names) + 1


def test_no_cell_of_an_export_is_a_formula_and_the_import_reads_it_back(
    stack: Stack, attacker: Attacker, labelled: dict[str, set[int]], tmp_path: Path, tally: Tally
) -> None:
    written = attacker.get("/api/v1/export", format="csv")
    path = tmp_path / "ours.csv"
    path.write_bytes(written.body)
    rows = list(csv.DictReader(io.StringIO(written.body.decode("utf-8-sig"), newline="")))
    labels = {label for label in labelled if label.startswith(FORMULAS)} & there(attacker).keys()
    assert len(labels) > 20, "there is something to neutralise"
    for row in rows:
        assert not any(cell.startswith(FORMULAS) for cell in row.values()), row
    bare = [row["label"].removeprefix("'") for row in rows]
    assert sum(label.startswith(FORMULAS) for label in bare) >= len(labels), "the control: without the mark they are"
    again = stack.command("import", str(path), timeout_s=120)
    assert again.returncode == 0, again.stderr
    assert f"{len(rows)} read: 0 taken over; {len(rows)} held already" in again.stdout
    tally["injections"] += len(rows)


@pytest.mark.parametrize("format", ["coco", "labelstudio"])
def test_other_exports_hold_the_texts_as_text(attacker: Attacker, labelled: dict[str, set[int]], format: str) -> None:
    answer = attacker.get("/api/v1/export", format=format)
    disposition = answer.headers.get_all("Content-Disposition")
    assert disposition == [f'attachment; filename="ruiji-{format}.json"']
    names = json.dumps(answer.json(), ensure_ascii=False)
    assert "window.ran" in names and "onerror" in names
