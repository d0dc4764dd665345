"""/metrics: real figures of a real room, read by those who may, and by a dashboard that asks for nothing else."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from catalog.encoders import serving_encoder
from catalog.images import count_images
from catalog.runs import cancel_run, create_run
from catalog.sources import list_sources
from deploy.gunicorn_server import WebServer
from settings import Settings
from tests.photos import jpeg, scene
from tests.webui.room import Room, Visitor, signed_in, visiting
from webui.app import create_app
from webui.config import WebConfig

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
# What an expression is made of besides names of figures: functions, operators, and what stands in `by (…)`.
WORDS = {"abs", "and", "by", "count", "histogram_quantile", "increase", "on", "or", "rate", "sum", "topk", "vector"}


def scraped(client: Visitor, **headers: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Figure -> labels -> value."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.data
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(answer.data.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


@pytest.fixture
def watched(config: WebConfig, worker: None) -> Iterator[Visitor]:
    """Somebody at a page of their own, whose figures begin at nothing."""
    yield signed_in(create_app(config))


def test_figures_tell_what_is_there_and_what_was_asked(watched: Visitor, room: Room) -> None:
    asked = watched.post("/api/v1/search", data={"file": (_picture(), "x.jpg")}, content_type="multipart/form-data")
    assert asked.status_code == 200
    until = time.monotonic() + 60
    while set((found := scraped(watched))["ruiji_up"].values()) != {1.0}:  # one may be late
        assert time.monotonic() < until, found["ruiji_up"]
    images = count_images(room.ledger).images
    assert images >= room.images
    assert found["ruiji_images"][()] == found["ruiji_images_embedded"][()] == images
    assert found["ruiji_index_rows_expected"][()] == images
    serving = serving_encoder(room.ledger)
    assert serving is not None
    assert found["ruiji_index_rows"][()] == room.index.count(serving.collection) >= room.images  # a test here adds one
    assert found["ruiji_images_labelled"][()] >= room.labelled
    assert found["ruiji_bad_files"] and found["ruiji_files_unreadable"][()] == 1
    assert found["ruiji_chunks"][(("state", "done"),)] >= 2 and found["ruiji_chunks"][(("state", "failed"),)] == 0
    assert found["ruiji_chunk_failures"] == {(("reason", "gave_up"),): 0, (("reason", "worker_lost"),): 0}
    assert found["ruiji_queue_oldest_seconds"][(("queue", "embed"),)] == 0
    [labels] = [dict(key) for key in found["ruiji_worker_images_total"] if dict(key)["queue"] == "query"][:1]
    assert labels["device"] == "cpu" and labels["worker"].startswith("query@")
    assert 0 <= min(found["ruiji_worker_heartbeat_age_seconds"].values()) < 120
    stages = {dict(key)["stage"]: value for key, value in found["ruiji_query_stage_seconds_count"].items()}
    assert stages == dict.fromkeys(("store", "broker", "decode", "wait", "embed", "search", "ledger", "total"), 1)
    counted = found["ruiji_http_requests_total"]
    assert counted[(("method", "POST"), ("route", "/api/v1/search"), ("status", "200"))] == 1


def test_a_run_is_followed_by_its_number_while_it_is_not_done(watched: Visitor, room: Room) -> None:
    source = list_sources(room.ledger)[0].source.id
    run = create_run(room.ledger, name="a name of mine", preset="quick-cpu", source_ids=[source], author="test")
    try:
        answer = watched.get("/metrics").data.decode()
        assert f'ruiji_training_epoch{{run="{run}"}} 0.0' in answer
        assert "a name of mine" not in answer
    finally:
        cancel_run(room.ledger, run)
    again = signed_in(watched.application).get("/metrics").data.decode()
    assert "a name of mine" not in again


def test_what_people_write_makes_no_series(watched: Visitor) -> None:
    before = watched.get("/metrics").data.count(b"\n")
    for number in range(30):
        watched.get(f"/no/such/{number}")
        watched.get(f"/api/v1/images/{10**9 + number}")
        watched.open("/", method=f"VERB{number}")
        watched.get(f"/api/v1/labels?secret-label-{number}")
    found = scraped(watched)
    assert not re.search(rb"secret|VERB|such", watched.get("/metrics").data)
    routes = {dict(key)["route"] for key in found["ruiji_http_requests_total"]}
    assert "unmatched" in routes and "/api/v1/images/<int:image_id>" in routes
    assert watched.get("/metrics").data.count(b"\n") - before < 120  # a few templates, each with its histogram


@pytest.mark.parametrize("name", ["grafana/ruiji.json", "ruiji-alerts.yml"])
def test_dashboard_and_alerts_ask_only_for_figures_that_there_are(watched: Visitor, room: Room, name: str) -> None:
    source = list_sources(room.ledger)[0].source.id
    run = create_run(room.ledger, name="x", preset="quick-cpu", source_ids=[source], author="test")
    try:
        there = set(scraped(watched)) | _families(watched)
    finally:
        cancel_run(room.ledger, run)
    expressions = list(_expressions(name))
    assert len(expressions) >= 5
    for expression in expressions:
        bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|(by|on)\s*\([^)]*\)|\b\d[\w.]*", " ", expression)
        asked = set(re.findall(r"[a-z_][a-z0-9_:]*", bare)) - WORDS
        assert asked and asked <= there, (expression, asked - there)


def test_labels_that_the_dashboard_names_are_there(watched: Visitor) -> None:
    text = watched.get("/metrics").data.decode()
    for expression in _expressions("grafana/ruiji.json"):
        for label, value in re.findall(r'\{(\w+)="(\w+)"\}', expression):
            assert f'{label}="{value}"' in text or value == "embed", (expression, value)


def test_without_a_token_this_machine_alone_may_read(visitor: Visitor) -> None:
    assert visitor.get("/metrics").status_code == 200
    for address in ("192.0.2.7", "172.17.0.1", "2001:db8::1", ""):
        answer = visitor.get("/metrics", environ_overrides={"REMOTE_ADDR": address})
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "this_machine_only"), address
    for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        assert visitor.get("/metrics", headers={name: "1.2.3.4"}).status_code == 403, name


def test_with_a_token_whoever_has_it_may_read(config: WebConfig, app: Flask) -> None:
    client = visiting(create_app(replace(config, metrics_token="a-long-token")))
    far: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.7"}}
    assert client.get("/metrics", headers={"Authorization": "Bearer a-long-token"}, **far).status_code == 200
    for given in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "a-long-token"},
        {"Authorization": "Bearer é"},
    ):
        answer = client.get("/metrics", headers=given)
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "wrong_token"), given
    assert "a-long-token" not in repr(replace(config, metrics_token="a-long-token"))


def test_a_broker_that_is_away_is_told_and_the_rest_goes_on(brokerless: Visitor, room: Room) -> None:
    found = scraped(brokerless)
    assert found["ruiji_up"][(("part", "broker"),)] == found["ruiji_up"][(("part", "query"),)] == 0
    assert "ruiji_broker_messages" not in found
    assert found["ruiji_images"][()] == count_images(room.ledger).images


def test_the_web_server_is_one_process_so_that_its_figures_are_all() -> None:
    server = WebServer(Settings(), bind="127.0.0.1:0")
    assert server.cfg.workers == 1


def _picture() -> io.BytesIO:
    return io.BytesIO(jpeg(scene("sky", 71)))


def _families(client: Visitor) -> set[str]:
    return {family.name for family in text_string_to_metric_families(client.get("/metrics").data.decode())}


def _expressions(name: str) -> Iterator[str]:
    text = (DEPLOY / name).read_text()
    if name.endswith(".json"):
        for panel in json.loads(text)["panels"]:
            yield from (target["expr"] for target in panel["targets"])
        return
    for group in yaml.safe_load(text)["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
