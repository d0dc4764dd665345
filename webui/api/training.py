"""Training runs: asked for, followed while they learn, paused, resumed and cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from flask import Response, jsonify

from catalog import runs as catalog_runs
from catalog.ledger import Ledger
from catalog.runs import PRESETS
from catalog.workers import list_workers
from webui.config import parts
from webui.identity import author, by
from webui.present_run import run as run_shown

from .answers_training import Run as RunAnswer
from .answers_training import Runs, RunStarted, RunWithCurve
from .blueprint import api, described
from .reading import read_json, read_query
from .requests import Page
from .requests_training import Later, NewRun
from .status import ALIVE_WITHIN_S
from .waking import told


@api.get("/training")
@described("training", query=Page, answer=Runs)
def runs() -> Response:
    """List the training runs, the newest first, and what there is to choose for a new one."""
    page = read_query(Page)
    ledger = parts().config.ledger
    rows = catalog_runs.list_runs(ledger, limit=page.limit, offset=page.offset)
    alive = list_workers(ledger, alive_within_s=ALIVE_WITHIN_S)
    return jsonify(
        runs=[run_shown(row) for row in rows],
        presets=[{"name": name, "about": about} for name, about in PRESETS.items()],
        workers=sum("train" in worker.queues.split(",") for worker in alive),
    )


@api.post("/training")
@described("training", json=NewRun, answer=RunStarted, status=202, refusals=(400, 404))
def start() -> tuple[Response, int]:
    """Train an encoder on the photos of some sources, without their labels; it serves once it is promoted."""
    wanted = read_json(NewRun)
    have = parts().config
    changes = {"epochs": wanted.epochs, "batch_size": wanted.batch_size}
    run = catalog_runs.create_run(
        have.ledger,
        name=wanted.name,
        preset=wanted.preset,
        source_ids=wanted.sources,
        ranks=wanted.ranks,
        changes={name: value for name, value in changes.items() if value is not None},
        author=author(),
        by=by(),
    )
    return jsonify(run=run, woken=told(have.client.wake_train)), 202


@api.get("/training/<int:run_id>")
@described("training", query=Later, answer=RunWithCurve, refusals=(404,))
def run(run_id: int) -> Response:
    """Tell how far a run is, and what each epoch measured."""
    ledger = parts().config.ledger
    after = read_query(Later).after
    row = catalog_runs.get_run(ledger, run_id)
    return jsonify(**run_shown(row), curve=[asdict(one) for one in catalog_runs.curve(ledger, run_id, after=after)])


@api.post("/training/<int:run_id>/pause")
@described("training", answer=RunAnswer, refusals=(400, 404, 409))
def pause_run(run_id: int) -> Response:
    """Pause a run: the step under way is finished and kept."""
    return changed_run(catalog_runs.pause_run, run_id)


@api.post("/training/<int:run_id>/resume")
@described("training", answer=RunAnswer, refusals=(400, 404, 409))
def resume_run(run_id: int) -> Response:
    """Go on with a paused run where it was, or try again with one that has failed."""
    answer = changed_run(catalog_runs.resume_run, run_id)
    told(parts().config.client.wake_train)
    return answer


@api.post("/training/<int:run_id>/cancel")
@described("training", answer=RunAnswer, refusals=(400, 404, 409))
def cancel_run(run_id: int) -> Response:
    """End a run; its checkpoints stay in its folder."""
    answer = changed_run(partial(catalog_runs.cancel_run, by=by()), run_id)
    told(parts().config.client.wake_train)  # its decoded pictures are taken away
    return answer


def changed_run(change: Callable[[Ledger, int], object], run_id: int) -> Response:
    ledger = parts().config.ledger
    change(ledger, run_id)
    return jsonify(run_shown(catalog_runs.get_run(ledger, run_id)))
