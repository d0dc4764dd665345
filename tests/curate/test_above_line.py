"""All above a hunt's line: found exactly, held still, decided as one batch that counts for the hunt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import uuid4

import numpy as np
import pytest

from catalog.errors import UnknownHunt
from catalog.hunt_examples import add_image
from catalog.hunts import count_hunt, create_hunt
from catalog.index import VectorIndex
from catalog.labels import Decision, ensure_label, record, undo
from catalog.matching import Kind
from catalog.standing import count_yes
from curate import kept_matches, matches
from curate.above_line import DRAWN, NoLine
from curate.hunt import Hunter
from curate.proposal import EVIDENCE
from tests.catalog.index.world import World

OF_CLASS, OTHERS = 300, 1700


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, milvus_lite_url: str) -> Iterator[World]:
    """2,000 images, the first 300 of them of one kind, which is easy to tell."""
    index = VectorIndex(milvus_lite_url)
    world = World.make(tmp_path_factory.mktemp("above"), index)
    random = np.random.default_rng(6)
    rows = random.normal(size=(OF_CLASS + OTHERS, world.encoder.dimension)).astype(np.float32)
    rows[:OF_CLASS, 0] += 6
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    world.ingest([f"above {n}" for n in range(len(rows))], vectors=rows)
    yield world
    world.close()
    index.close()


def hunter(world: World) -> Hunter:
    def embed(key: str) -> tuple[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        raise AssertionError(key)

    return Hunter(world.ledger, world.index, world.store, embed=embed, serving=lambda: world.encoder)


def decide(world: World, label_id: int, image_ids: Iterable[int], decision: str = "yes") -> None:
    made = [Decision(one, label_id, decision) for one in image_ids]  # type: ignore[arg-type]
    record(world.ledger, key=uuid4().hex, author="anna", decisions=made)


def test_all_above_the_line_are_one_batch_of_the_hunt_and_one_undo(world: World) -> None:
    label = ensure_label(world.ledger, "above")
    hunt = create_hunt(world.ledger, label_id=label.id, author="me").id
    decide(world, label.id, range(1, 31))
    decide(world, label.id, range(OF_CLASS + 1, OF_CLASS + 31), "no")
    decide(world, ensure_label(world.ledger, "another").id, range(100, 105))
    found = hunter(world).above(hunt)
    ids = found.match.ids
    assert not np.isin(ids, np.arange(1, 31)).any(), "what is decided is not decided again"
    right = int((ids <= OF_CLASS).sum())
    assert right >= 0.97 * len(ids)
    assert right >= 0.6 * (OF_CLASS - 30)
    assert len(found.drawn) == DRAWN
    assert {hit.image_id for hit in found.drawn} <= set(ids.tolist())
    planned, stand = matches.plan(world.ledger, found.match, label="above", label_id=label.id, out=())
    others = int(np.isin(ids, np.arange(100, 105)).sum())
    assert (stand.kinds == Kind.OTHER).sum() == others > 0
    kept = kept_matches.kept(world.store, kept_matches.keep(world.store, planned))
    taken = [one for one in ids.tolist() if one not in range(100, 105)][:2]
    decide(world, label.id, taken, "no")  # by somebody else, after the number was stated
    done = matches.apply(world.ledger, kept, decision="yes", kinds=[Kind.PLAIN], key=uuid4().hex, author="me")
    assert (done.applied, done.changed) == (len(ids) - others - 2, 2)
    assert count_hunt(world.ledger, hunt).found == done.applied
    assert count_yes(world.ledger, label.id) == 30 + done.applied
    assert done.batch_id is not None
    undo(world.ledger, done.batch_id, author="me", key=uuid4().hex)
    assert count_yes(world.ledger, label.id) == 30


def test_without_enough_known_there_is_no_line(world: World) -> None:
    label = ensure_label(world.ledger, "hardly known")
    hunt = create_hunt(world.ledger, label_id=label.id, author="me").id
    add_image(world.ledger, hunt, 1, sign=1, author="me")
    with pytest.raises(NoLine, match=f"{EVIDENCE} pictures of the label, and 1 are known"):
        hunter(world).above(hunt)
    with pytest.raises(UnknownHunt):
        hunter(world).above("x" * 22)
