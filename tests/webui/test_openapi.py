"""The description of the API, and that the answers are what it says."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from pydantic import BaseModel

from tests.webui.room import Room, Visitor
from webui.api import answers, answers_encoders, answers_history, answers_images


def test_every_route_of_the_api_is_described(app: Flask, visitor: Visitor) -> None:
    document = visitor.get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.")
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/") or rule.endpoint == "api.openapi":
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert (path, method) in described
            operation = document["paths"][path][method.lower()]
            assert operation["summary"].endswith("."), path
            assert ("security" in operation) == (method != "GET"), path


def test_every_reference_leads_somewhere(visitor: Visitor) -> None:
    text = visitor.get("/api/v1/openapi.json").get_data(as_text=True)
    schemas = visitor.get("/api/v1/openapi.json").json["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert references
    assert references <= schemas.keys()
    assert "SearchUpload" in references


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("labels", answers.Labels),
        ("batches", answers_history.Batches),
        ("label-groups", answers.Groups),
        ("sources", answers.Sources),
        ("folders", answers.Folders),
        ("jobs", answers.Jobs),
        ("jobs/{job}", answers.Job),
        ("jobs/{job}/bad", answers.BadFiles),
        ("images/{image}", answers_images.Image),
        ("encoders", answers_encoders.EncoderRows),
        ("samples", answers.Samples),
        ("status", answers.Status),
        ("token", answers.Token),
        ("images/987654", answers.Problem),
    ],
)
def test_answers_are_what_the_description_says(person: Visitor, room: Room, path: str, model: type[BaseModel]) -> None:
    answer = person.get(f"/api/v1/{path.format(job=room.job_with_bad, image=room.image_id('labelled/sky/00006.jpg'))}")
    assert set(answer.json) == set(model.model_fields)
    parsed = model.model_validate_json(answer.data, strict=True)
    assert parsed.model_dump(exclude_none=True) == pruned(answer.json)


def test_a_search_is_what_the_description_says(person: Visitor, room: Room) -> None:
    image = room.image_id("labelled/sky/00006.jpg")
    answer = person.post("/api/v1/search", json={"image_id": image, "k": 60, "suggest": True})
    parsed = answers.SearchAnswer.model_validate_json(answer.data, strict=True)
    assert parsed.model_dump(exclude_none=True) == pruned(answer.json)
    assert any(result.suggestion for result in parsed.results)


def pruned(value: object) -> object:
    """Without the fields that are null."""
    if isinstance(value, dict):
        return {key: pruned(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [pruned(inner) for inner in value]
    return value
