"""Somebody who hunts in a collection of which 2,000 images are of a kind that is easy to tell."""

from __future__ import annotations

from uuid import uuid4

import numpy as np

from catalog.hunt_examples import add_image
from catalog.hunts import create_hunt
from catalog.label_history import batches, undo
from catalog.labels import Decision, ensure_label, record
from curate.hunt import Hunter
from curate.proposal import Proposal
from tests.catalog.index.world import World

OF_CLASS, OTHERS = 2000, 1200


class Person:
    """Works through hunts with a Hunter that is new at every step, as after a restart."""

    def __init__(self, world: World, *, compare_up_to: int) -> None:
        self.world, self.compare_up_to = world, compare_up_to
        self.label = ensure_label(world.ledger, f"kind {uuid4().hex[:8]}").id
        self.hunt = create_hunt(world.ledger, label_id=self.label, author="me").id
        add_image(world.ledger, self.hunt, 1, sign=1, author="me")

    def hunter(self) -> Hunter:
        world = self.world

        def embed(key: str) -> tuple[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
            raise AssertionError(key)

        return Hunter(
            world.ledger,
            world.index,
            world.store,
            embed=embed,
            serving=lambda: world.encoder,
            compare_up_to=self.compare_up_to,
        )

    def step(self) -> Proposal:
        return self.hunter().propose(self.hunt)

    def answer(self, offered: Proposal) -> list[int]:
        """Decide all that is shown by the truth; returns the ids."""
        ids = [hit.image_id for hit in offered.hits]
        if offered.kind == "accept":
            ids = self.hunter().accepted(self.hunt, offered.token).tolist()
            self.decide(ids, all_of_them=True)
            self.hunter().close_offer(self.hunt, offered.token, agreed=True)
        else:
            self.decide(ids)
        return ids

    def decide(self, ids: list[int], *, all_of_them: bool = False) -> None:
        decisions = [Decision(one, self.label, "yes" if all_of_them or one <= OF_CLASS else "no") for one in ids]
        record(self.world.ledger, key=uuid4().hex, author="me", decisions=decisions, hunt=self.hunt)

    def newest(self) -> int:
        """The batch that was decided last."""
        return batches(self.world.ledger, 1)[0].id

    def take_back(self, batch: int) -> None:
        undo(self.world.ledger, batch, author="me", key=uuid4().hex)

    def until(self, kind: str) -> Proposal:
        """Work on until such a step is offered."""
        for _ in range(40):
            offered = self.step()
            if offered.kind == kind:
                return offered
            self.answer(offered)
        raise AssertionError(f"no {kind} was offered")
