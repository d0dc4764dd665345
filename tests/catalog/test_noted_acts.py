"""What others have to know stands or falls with its line of the audit log: both are one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from catalog.artifacts import ArtifactStore
from catalog.audit import By, everything
from catalog.encoders import promote
from catalog.hunts import create_hunt, delete_hunt
from catalog.images import delete_images
from catalog.jobs import cancel_job, create_embed_job
from catalog.labels import ensure_label, redo, undo
from catalog.ledger import Ledger
from catalog.runs import cancel_run, create_run
from catalog.sources import add_source, delete_source, list_sources
from catalog.switching import roll_back, switch_to
from tests.catalog.deciding import say
from tests.catalog.stand_in import ENCODER, OTHER_ENCODER, image_of, ingest, with_encoder, with_source
from tests.catalog.whole_life import everything as rows_of

ANNA = By("anna", "192.0.2.1")
NOBODY: Any = By(None)  # type: ignore[arg-type]  # a line that the database does not take


@dataclass(frozen=True)
class Stage:
    """A ledger with what the acts are done to; decisions in it are wei's."""

    ledger: Ledger
    store: ArtifactStore
    source: int
    image: int
    job: int
    run: int
    hunt: str
    decided: int
    undone: int


@pytest.fixture
def stage(any_ledger: Ledger, tmp_path: Path) -> Stage:
    """Two photos, two encoders of which the second has served, a job, a run, a hunt, a batch and one that is undone."""
    ledger = any_ledger
    source = with_source(ledger)
    ingest(ledger, source, {b"a.jpg": "a", b"b.jpg": "b"})
    for encoder in (OTHER_ENCODER, ENCODER):
        promote(ledger, with_encoder(ledger, encoder))
    label, image = ensure_label(ledger, "plane").id, image_of(ledger, "a")
    undone = say(ledger, "undone", (image_of(ledger, "b"), label, "yes")).batch_id
    undo(ledger, undone, author="wei", key="undo")
    return Stage(
        ledger,
        ArtifactStore(tmp_path / "artifacts"),
        source=source.id,
        image=image,
        job=create_embed_job(ledger, encoder_id=OTHER_ENCODER, author="wei"),
        run=create_run(ledger, name="ours", preset="quick-cpu", source_ids=[source.id], author="wei"),
        hunt=create_hunt(ledger, label_id=label, author="wei").id,
        decided=say(ledger, "decided", (image, label, "yes")).batch_id,
        undone=undone,
    )


Act = Callable[[Stage, By], object]
ACTS: dict[str, tuple[Act, str]] = {
    "source added": (lambda on, by: add_source(on.ledger, b"/more", by=by), "more"),
    "source removed": (lambda on, by: delete_source(on.ledger, on.source, by=by), "photos"),
    "image deleted": (lambda on, by: delete_images(on.ledger, [on.image, 10**6], by=by), "image {on.image}"),
    "encoder promoted": (
        lambda on, by: switch_to(on.ledger, OTHER_ENCODER, incomplete=True, by=by),
        "x (ffffffffffff)",
    ),
    "encoder rolled back": (lambda on, by: roll_back(on.ledger, by=by), "x (ffffffffffff)"),
    "job cancelled": (lambda on, by: cancel_job(on.ledger, on.job, by=by), "job {on.job}"),
    "training started": (
        lambda on, by: create_run(
            on.ledger, name="next", preset="quick-cpu", source_ids=[on.source], author="anna", by=by
        ),
        "next, run 2",
    ),
    "training cancelled": (lambda on, by: cancel_run(on.ledger, on.run, by=by), "ours, run {on.run}"),
    "another's hunt deleted": (
        lambda on, by: delete_hunt(on.ledger, on.store, on.hunt, by=by),
        "hunt for plane of wei",
    ),
    "undo of another's": (
        lambda on, by: undo(on.ledger, on.decided, author="anna", key="k", by=by),
        "batch {on.decided} of wei",
    ),
    "redo of another's": (
        lambda on, by: redo(on.ledger, on.undone, author="anna", key="k", by=by),
        "batch {on.undone} of wei, undone by wei",
    ),
}


@pytest.mark.parametrize("action", ACTS)
def test_an_act_leaves_its_line(stage: Stage, action: str) -> None:
    act, target = ACTS[action]
    act(stage, ANNA)
    [line] = list(everything(stage.ledger))
    assert (line.actor, line.action, line.address) == ("anna", action, ANNA.address)
    assert line.target == target.format(on=stage)


@pytest.mark.parametrize("action", ACTS)
def test_without_its_line_the_act_has_not_been(stage: Stage, action: str) -> None:
    before = rows_of(stage.ledger)
    with pytest.raises(IntegrityError):
        ACTS[action][0](stage, NOBODY)
    assert rows_of(stage.ledger) == before


def test_what_changes_nothing_is_not_noted(stage: Stage) -> None:
    for _ in range(2):
        cancel_job(stage.ledger, stage.job, by=ANNA)
        cancel_run(stage.ledger, stage.run, by=ANNA)
        delete_images(stage.ledger, [stage.image], by=ANNA)
        undo(stage.ledger, stage.decided, author="anna", key="k", by=ANNA)
        redo(stage.ledger, stage.undone, author="anna", key="l", by=ANNA)
    assert len(list(everything(stage.ledger))) == 5


def test_what_is_ones_own_is_not_noted_but_an_undo_of_it_by_another_that_is_taken_back_is(stage: Stage) -> None:
    wei = By("wei")
    delete_hunt(stage.ledger, stage.store, stage.hunt, by=wei)
    redo(stage.ledger, stage.undone, author="wei", key="k", by=wei)
    undo(stage.ledger, stage.decided, author="wei", key="l", by=wei)
    redo(stage.ledger, stage.decided, author="wei", key="m", by=wei)
    assert list(everything(stage.ledger)) == []
    undo(stage.ledger, stage.decided, author="anna", key="n", by=ANNA)
    redo(stage.ledger, stage.decided, author="wei", key="o", by=wei)
    assert [(line.actor, line.action, line.target) for line in everything(stage.ledger)] == [
        ("anna", "undo of another's", f"batch {stage.decided} of wei"),
        ("wei", "redo of another's", f"batch {stage.decided} of wei, undone by anna"),
    ]


def test_a_folder_whose_removal_breaks_off_has_its_line(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pictures go some at a time, and the first are gone by then."""
    monkeypatch.setattr("catalog.sources.PLACES_AT_ONCE", 1)
    rounds = []

    def second_breaks_off(connection: object) -> None:
        rounds.append(connection)
        if len(rounds) == 2:
            raise OSError("the machine went down")

    monkeypatch.setattr("catalog.sources.keep_labels", second_breaks_off)
    with pytest.raises(OSError, match="went down"):
        delete_source(stage.ledger, stage.source, by=ANNA)
    assert [row.images for row in list_sources(stage.ledger)] == [1], "half of it is gone"
    [line] = list(everything(stage.ledger))
    assert (line.action, line.target) == ("source removed", "photos")
