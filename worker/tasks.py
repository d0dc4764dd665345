"""The Celery tasks: each takes plain values and calls one function; the work and its safety are in the ledger."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from celery import Celery

from worker import app as names
from worker.context import Context


def register_query_tasks(app: Celery, context: Context) -> Callable[[], None]:
    """Tasks of a query worker; returns what has to be called when it stops."""
    from worker.imports import import_encoder
    from worker.mapping import Maps
    from worker.queries import Queries
    from worker.sweep import Sweep

    queries, sweep, maps = Queries(context), Sweep(context), Maps(context)

    def embed_query(
        request: str,
        sent_at: float,
        deadline: float,
        key: str,
        encoder_id: str | None = None,
        any_way_up: bool = False,
    ) -> None:
        queries.embed(
            request, sent_at=sent_at, deadline=deadline, key=key, encoder_id=encoder_id, any_way_up=any_way_up
        )

    def take_in(request: str, sent_at: float, deadline: float, path: str) -> None:
        import_encoder(context, request, path)

    def view(request: str, sent_at: float, deadline: float, wanted: dict[str, Any], side: int) -> None:
        queries.view(request, deadline=deadline, wanted=wanted, side=side)

    app.task(embed_query, name=names.EMBED_QUERY)
    app.task(view, name=names.VIEW)
    app.task(take_in, name=names.IMPORT_ENCODER)
    app.task(maps.draw, name=names.DRAW_MAP)
    app.task(sweep.run, name=names.SWEEP)

    def close() -> None:
        maps.close()
        queries.close()

    return close


def register_embed_tasks(app: Celery, context: Context) -> Callable[[], None]:
    """Tasks of an embed worker."""
    from worker.embedding import EmbedLoop

    loop = EmbedLoop(context)

    app.task(loop.run, name=names.WORK_EMBED)
    return loop.close


def register_index_tasks(app: Celery, context: Context) -> Callable[[], None]:
    """Tasks of the index worker."""
    from worker.indexing import run_reconcile, work_index

    def index() -> None:
        work_index(context)

    def reconcile(request: str, sent_at: float, deadline: float, repair: bool) -> None:
        try:
            answer: dict[str, Any] = {"report": run_reconcile(context, repair=repair)}
        except Exception as error:
            answer = {"error": {"kind": "reconcile", "reason": str(error)}}
        context.replies.send(request, answer)

    app.task(index, name=names.WORK_INDEX)
    app.task(reconcile, name=names.RECONCILE)
    return lambda: None


def register_train_tasks(app: Celery, context: Context) -> Callable[[], None]:
    """Tasks of a training worker."""
    from worker.training import TrainLoop

    app.task(TrainLoop(context).run, name=names.WORK_TRAIN)
    return lambda: None


REGISTER: dict[str, Callable[[Celery, Context], Callable[[], None]]] = {
    "query": register_query_tasks,
    "embed": register_embed_tasks,
    "index": register_index_tasks,
    "train": register_train_tasks,
}


def register_ping(app: Celery, context: Context) -> None:
    """Every worker says who it is when asked on its queue."""

    def ping(request: str, sent_at: float, deadline: float) -> None:
        if time.time() < deadline:
            context.replies.send(request, {"name": context.presence.name, "pid": os.getpid()})

    app.task(ping, name=names.PING)
