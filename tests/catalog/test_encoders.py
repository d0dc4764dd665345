"""Encoders and workers: known once, one of them serving, alive or not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from catalog import tables
from catalog.encoders import get_encoder, list_encoders, promote, register, serving_encoder
from catalog.errors import UnknownEncoder
from catalog.ledger import Ledger
from catalog.workers import announce, beat, forget, list_workers
from tests.catalog.stand_in import ENCODER, OTHER_ENCODER, with_encoder


def test_the_first_encoder_serves_and_registering_again_changes_nothing(any_ledger: Ledger) -> None:
    assert serving_encoder(any_ledger) is None
    values: dict[str, Any] = {"dimension": 512, "input_size": 32, "folder": "encoders/e", "config": {"stem": "s"}}
    first = register(any_ledger, id=ENCODER, name="first", metrics={"knn": 0.6}, **values)
    again = register(any_ledger, id=ENCODER, name="other", metrics={}, **values)
    assert again == first == get_encoder(any_ledger, ENCODER) == serving_encoder(any_ledger)
    assert first.config == {"stem": "s"}
    assert first.collection == f"ruiji_{ENCODER[:16]}"


def test_promoting_switches_and_remembers_the_one_before(any_ledger: Ledger) -> None:
    with_encoder(any_ledger)
    with_encoder(any_ledger, OTHER_ENCODER)
    assert [one.id for one in list_encoders(any_ledger)] == [ENCODER, OTHER_ENCODER]
    promote(any_ledger, OTHER_ENCODER)
    promote(any_ledger, OTHER_ENCODER)
    serving = serving_encoder(any_ledger)
    assert serving is not None
    assert serving.id == OTHER_ENCODER
    with any_ledger.read() as connection:
        assert connection.execute(select(tables.serving.c.previous_encoder_id)).scalar_one() == ENCODER


def test_an_unknown_encoder_is_named(ledger: Ledger) -> None:
    with pytest.raises(UnknownEncoder, match="nobody"):
        get_encoder(ledger, "nobody")
    with pytest.raises(UnknownEncoder, match="nobody"):
        promote(ledger, "nobody")


def test_workers_live_while_they_beat(any_ledger: Ledger) -> None:
    announce(any_ledger, name="embed@a", queues="embed", host="a", pid=7, device="cpu")
    announce(any_ledger, name="query@a", queues="query", host="a", pid=8, device="cpu")
    with any_ledger.write() as connection:
        connection.execute(tables.worker.update().values(heartbeat_at=tables.worker.c.heartbeat_at - 100))
    beat(any_ledger, "embed@a", doing="chunk 3", images=12)
    (alive,) = list_workers(any_ledger, 90)
    assert (alive.name, alive.doing, alive.images, alive.pid) == ("embed@a", "chunk 3", 12, 7)
    assert [row.name for row in list_workers(any_ledger, 1000)] == ["embed@a", "query@a"]
    announce(any_ledger, name="embed@a", queues="embed", host="a", pid=9, device="cuda:0")
    assert [(row.pid, row.images) for row in list_workers(any_ledger, 1000)] == [(9, 0), (8, 0)]
    forget(any_ledger, "query@a")
    assert [row.name for row in list_workers(any_ledger, 1000)] == ["embed@a"]
