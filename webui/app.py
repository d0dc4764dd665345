"""create_app(): the pages, the API and the rules around them, as one Flask application."""

from __future__ import annotations

import hashlib

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

from catalog.encoders import Encoder, serving_encoder
from catalog.sign_in import Door
from curate.confusion import Comparer
from curate.folding import Folder
from curate.hunt import Hunter
from curate.review import Reviewer
from curate.suggest import Suggester
from curate.suggested import LabelSuggester
from worker.client import Vector

from . import (
    account,
    door,
    encoders,
    exports,
    health,
    hunts,
    jobs,
    labels,
    links,
    maps,
    metrics,
    observed,
    pictures,
    review,
    search,
    security,
    users,
)
from .api import api
from .config import EXTENSION, Parts, WebConfig
from .errors import install as install_errors
from .errors import no_encoder
from .identity import visitor
from .ledger_metrics import InstallationFigures
from .readiness import Readiness
from .refusals import REFUSALS


class IdConverter(IntegerConverter):
    """A whole number that the ledger can hold: a larger one is a page that does not exist."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=2**63 - 1)


def create_app(config: WebConfig) -> Flask:
    """Build the application; it holds no state but the labelled vectors that suggestions are drawn from."""
    app = Flask("webui")
    app.url_map.converters["int"] = IdConverter
    folder = Folder(config.ledger, config.store)
    readiness = Readiness(health.checks(config))
    measured = metrics.Metrics()
    measured.watch(InstallationFigures(config, readiness))
    app.extensions[EXTENSION] = Parts(
        config=config,
        suggester=Suggester(config.ledger, config.store),
        reviewer=Reviewer(config.ledger, config.store),
        comparer=Comparer(config.ledger, config.store),
        label_suggester=LabelSuggester(config.ledger, config.index, config.store),
        hunter=make_hunter(config, folder),
        folder=folder,
        metrics=measured,
        readiness=readiness,
        door=Door(config.ledger, config.passwords, config.secret_key, config.session_lifetime, config.sign_in_limits),
        version=hashlib.sha256(b"version" + config.secret_key).hexdigest()[:8],
    )
    app.jinja_env.globals["installation"] = app.extensions[EXTENSION].version
    app.jinja_env.globals["visitor"] = visitor
    observed.install(app)
    security.install(app, config)
    install_errors(app, more=REFUSALS)
    pages = (search, hunts, labels, review, maps, exports, jobs, encoders, door, links, account, users)
    for page in (*pages, pictures, health, metrics):
        app.register_blueprint(page.blueprint)
    app.register_blueprint(api, url_prefix="/api/v1")
    return app


def make_hunter(config: WebConfig, folder: Folder) -> Hunter:
    """The hunts' steps; uploaded examples are embedded by a query worker."""

    def embed(key: str) -> tuple[str, Vector]:
        made = config.client.embed_query(key=key, timeout_s=config.query_timeout_s)
        return made.encoder_id, made.vector

    def serving() -> Encoder:
        encoder = serving_encoder(config.ledger)
        if encoder is None:
            raise no_encoder()
        return encoder

    return Hunter(config.ledger, config.index, config.store, embed=embed, serving=serving, folder=folder)
