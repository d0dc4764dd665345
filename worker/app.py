"""The Celery application: four queues, JSON only, wake-ups that may be lost or doubled without harm, and the beat."""

from __future__ import annotations

from typing import Any, Final

from celery import Celery
from kombu.entity import Queue

QUEUES: Final = ("query", "embed", "index", "train")
SWEEP_S: Final = 5.0

EMBED_QUERY: Final = "ruiji.embed_query"
VIEW: Final = "ruiji.view"
PING: Final = "ruiji.ping"
SWEEP: Final = "ruiji.sweep"
WORK_EMBED: Final = "ruiji.work_embed"
WORK_INDEX: Final = "ruiji.work_index"
RECONCILE: Final = "ruiji.reconcile"
IMPORT_ENCODER: Final = "ruiji.import_encoder"
DRAW_MAP: Final = "ruiji.draw_map"
WORK_TRAIN: Final = "ruiji.work_train"

ROUTES: Final = {
    EMBED_QUERY: {"queue": "query"},
    VIEW: {"queue": "query"},
    SWEEP: {"queue": "query"},  # the one queue whose workers are never busy for long
    WORK_EMBED: {"queue": "embed"},
    WORK_INDEX: {"queue": "index"},
    IMPORT_ENCODER: {"queue": "query"},
    DRAW_MAP: {"queue": "query"},  # drawn in a process of its own, at low priority
    WORK_TRAIN: {"queue": "train"},
    RECONCILE: {"queue": "index"},  # on milvus-lite one process alone may write
}

# Threads fetch and hand over pictures, so that the batching thread sees several at once.
QUERY_THREADS: Final = 16


def make_celery(broker_url: str) -> Celery:
    """The application, for workers, for beat and for those who only send.

    Messages are not acknowledged: the ledger holds the work and the sweep wakes again what lost its worker, so they
    have nothing to protect. An `embed` wake-up that lasts for hours cannot run into the broker's visibility timeout,
    and a query costs its worker one round trip to the broker instead of three (446 instead of 227 a second, and
    2.5 ms less latency, on a busy two-core machine). Whoever waits for a query whose worker died is told so.
    """
    app = Celery("ruiji", broker=broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        event_serializer="json",
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_queues=[_queue(name) for name in QUEUES],
        task_default_queue="query",
        task_create_missing_queues=False,
        task_routes=ROUTES,
        task_acks_late=False,
        task_publish_retry=True,
        # One new try: a connection that a restarted broker has closed; then the caller is told.
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_connect_timeout": 3, "global_keyprefix": ""},
        beat_max_loop_interval=SWEEP_S,
        beat_schedule={"sweep": {"task": SWEEP, "schedule": SWEEP_S, "options": {"expires": SWEEP_S}}},
        enable_utc=True,
    )
    return app


def _queue(name: str) -> Any:
    make: Any = Queue  # kombu has no types
    return make(name, no_ack=True)
