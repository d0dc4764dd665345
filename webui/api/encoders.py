"""Encoders: what there is, taken in and given out, filled beside the one that serves, promoted and rolled back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import Response, jsonify

from catalog import encoders as registry
from catalog.coverage import Coverage, coverages
from catalog.embed_again import embed_lacking
from catalog.embed_jobs import UNFINISHED
from catalog.encoder_facts import facts
from catalog.encoder_files import archive, archive_name, check_files, size_bytes
from catalog.encoders import Encoder
from catalog.jobs import JobProgress, list_jobs, resume_job
from catalog.switching import Switch, check_index, roll_back, switch_to
from webui import folders, present
from webui.config import Parts, parts
from webui.identity import audited, author, by

from .answers_encoders import EncoderRow, EncoderRows, FillStarted, Switched
from .blueprint import api, described, streamed
from .reading import read_json
from .requests_encoders import NewEncoder, Promotion
from .waking import told

TAKE_IN_S = 120.0  # to read, check and store the weights, from a slow disk too
JOBS_LOOKED_AT = 200


@api.get("/encoders")
@described("encoders", answer=EncoderRows)
def encoders() -> Response:
    """List the encoders with what is known of each, which one serves, and how far each is filled."""
    have = parts()
    about = surroundings(have)
    return jsonify(encoders=[shown(have, row, about) for row in registry.list_encoders(have.config.ledger)])


@api.post("/encoders")
@described("encoders", json=NewEncoder, answer=EncoderRow, status=201, refusals=(400, 403, 404, 422, 503, 507))
def take_in() -> tuple[Response, int]:
    """Take in the encoder in a folder or zip below the allowed roots; it serves once it is promoted."""
    wanted = read_json(NewEncoder)
    have = parts()
    path = folders.resolve(wanted.path, have.config.allowed_roots, file_ending=".zip")
    encoder_id = have.config.client.import_encoder(str(path), timeout_s=TAKE_IN_S)
    encoder = registry.get_encoder(have.config.ledger, encoder_id)
    audited("encoder added", registry.named(encoder))
    return jsonify(shown(have, encoder, surroundings(have))), 201


@api.get("/encoders/<encoder_id>/archive")
@streamed(described("encoders", refusals=(404, 409)))
def give_out(encoder_id: str) -> Response:
    """Download an encoder as a zip: weights, graph, configuration, metrics and card."""
    have = parts().config
    encoder = registry.get_encoder(have.ledger, encoder_id)
    pieces: Iterator[bytes] = archive(have.store, encoder)
    audited("export", f"encoder {registry.named(encoder)}")
    answer = Response(pieces, mimetype="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="{archive_name(encoder)}.zip"'
    return answer


@api.post("/encoders/<encoder_id>/fill")
@described("encoders", answer=FillStarted, status=202, refusals=(400, 404, 409))
def fill(encoder_id: str) -> tuple[Response, int]:
    """Embed every image that this encoder has not, beside the one that serves; a paused job goes on."""
    have = parts().config
    encoder = registry.get_encoder(have.ledger, encoder_id)
    check_files(have.store, encoder)
    job = embed_lacking(have.ledger, encoder.id, author=author())
    if job is not None:
        resume_job(have.ledger, job)
    return jsonify(job=job, woken=told(have.client.wake_embed, have.client.wake_index)), 202


@api.post("/encoders/<encoder_id>/promote")
@described("encoders", json=Promotion, answer=Switched, refusals=(400, 404, 409, 503))
def promote(encoder_id: str) -> Response:
    """Let this encoder serve; refused with the number of images that it would not find."""
    wanted = read_json(Promotion)
    have = parts().config
    encoder = registry.get_encoder(have.ledger, encoder_id)
    check_files(have.store, encoder)
    check_index(have.ledger, have.index, encoder)
    done = switch_to(have.ledger, encoder.id, incomplete=wanted.incomplete, by=by())
    return switched(done)


@api.post("/encoders/rollback")
@described("encoders", answer=Switched, refusals=(400, 409))
def go_back() -> Response:
    """Let the encoder that served before serve again, at once; images that came since are counted and embedded."""
    have = parts().config
    if (previous := registry.previous_encoder(have.ledger)) is not None:
        check_files(have.store, previous)
    done = roll_back(have.ledger, by=by())
    return switched(done)


def switched(done: Switch) -> Response:
    client = parts().config.client
    return jsonify(
        serving=done.encoder.id,
        before=done.before and done.before.id,
        images=done.found.images,
        indexed=done.found.indexed,
        lack=done.lack,
        job=done.job,
        woken=told(client.wake_embed, client.wake_index),
    )


@dataclass(frozen=True)
class Surroundings:
    """What is asked once for all encoders of a list."""

    serving_id: str | None
    previous_id: str | None
    coverage: Mapping[str, Coverage]
    jobs: Mapping[str, JobProgress]  # the newest of each encoder that fills it


def surroundings(have: Parts) -> Surroundings:
    """As it is now."""
    ledger = have.config.ledger
    serving, previous = registry.serving_encoder(ledger), registry.previous_encoder(ledger)
    jobs: dict[str, JobProgress] = {}
    for job in list_jobs(ledger, limit=JOBS_LOOKED_AT):
        if job.kind == "embed":
            jobs.setdefault(job.encoder_id, job)
    return Surroundings(
        serving_id=serving.id if serving else None,
        previous_id=previous.id if previous else None,
        coverage=coverages(ledger),
        jobs=jobs,
    )


def shown(have: Parts, row: Encoder, about: Surroundings) -> dict[str, object]:
    """An encoder with all that the page tells of it."""
    found = about.coverage.get(row.id, about.coverage[""])
    job = unfinished(about.jobs.get(row.id))
    said = facts(row)
    return {
        **present.encoder(row, serving_id=about.serving_id),
        **{name: value for name, value in vars(said).items() if name != "by_label"},
        "by_label": dict(said.by_label),
        "previous": row.id == about.previous_id,
        "bytes": size_bytes(have.config.store, row),
        "images": found.images,
        "embedded": found.embedded,
        "indexed": found.indexed,
        "job": present.job(job) if job else None,
    }


def unfinished(job: JobProgress | None) -> JobProgress | None:
    """The job, while its encoder's collection is not all searchable yet."""
    if job is None:
        return None
    waiting = job.state == "done" and not job.searchable
    return job if job.state in UNFINISHED or waiting else None
