"""Every operation of the OpenAPI document, with values that fit it and values that do not, drawn by schemathesis."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, Config, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.attacks.tally import TIMES, Tally
from tests.photos import write_folder
from tests.stack import Stack
from webui.security import INSTALLATION_HEADER

Operation = APIOperation[Any, Any, Any, Any]

ANY = settings(
    max_examples=4 * TIMES,  # that fit an operation, and as many that do not
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TOO_MANY = 429
# Refused before a view has seen it: an address that the HTTP server finds too long, an id that no column could hold.
BEFOREHAND = {405, 414}
REFUSED = [400, 401, 403, 404, 409, 413, 415, 422]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Ruiji of its own: what is drawn deletes, merges and begins whatever it happens to name."""
    room = tmp_path_factory.mktemp("openapi")
    write_folder(room / "photos" / "plain", per_kind=3, labelled=True)
    running = Stack(home=room / "home", allowed_root=room / "photos", environment={"RUIJI_QUERY_TIMEOUT_S": "60"})
    running.start()
    try:
        running.wait_job(running.ingest(room / "photos" / "plain", labels_from_folders=True))
        running.sign_in()
        yield running
    finally:
        running.stop()


class Asker:
    """Somebody with a session who sends what is drawn, and keeps what does not fit the description."""

    def __init__(self, stack: Stack) -> None:
        self.url = f"http://127.0.0.1:{stack.port}"
        self.session = requests.Session()
        self.session.headers.update({"Cookie": stack.cookies, "X-CSRF-Token": stack.token})
        self.statuses: Counter[int] = Counter()
        self.faults: dict[tuple[str, str], str] = {}

    def document(self) -> dict[str, Any]:
        """As anybody gets it."""
        found: dict[str, Any] = self.session.get(f"{self.url}/api/v1/openapi.json", timeout=30).json()
        return found

    def ask(self, case: Case[Any]) -> None:
        """Send one, again where the server asks to wait, and hold the answer against the description."""
        case.headers.pop(INSTALLATION_HEADER, None)  # any but its own installation does nothing
        while (answer := case.call(base_url=self.url, session=self.session)).status_code == TOO_MANY:
            time.sleep(0.2)
        self.statuses[answer.status_code] += 1
        fits = case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE
        if answer.status_code in BEFOREHAND and not fits:
            return
        left_empty = any(value in ("", {}, []) for value in (case.query or {}).values())  # as good as absent
        try:
            case.validate_response(
                answer, checks=CHECKS, excluded_checks=[negative_data_rejection] if left_empty else []
            )
        except FailureGroup as faults:
            for fault in faults.exceptions:
                self.faults.setdefault(
                    (case.operation.label, type(fault).__name__),
                    f"{fault}\n{case.as_curl_command()[:600]}\n{answer.content[:300]!r}",
                )


def test_every_operation_answers_as_it_is_described(target: Stack, tally: Tally) -> None:
    asker = Asker(target)
    operations = of(asker.document())
    for operation in operations:
        draw(operation, asker)
    asked = asker.statuses.total()
    tally["operations"] += asked
    print(dict(asker.statuses))
    assert not asker.faults, "\n\n".join(f"{where}: {what}\n{said}" for (where, what), said in asker.faults.items())
    assert {200, 201, 400, 404} <= asker.statuses.keys(), "nothing was reached, or nothing refused"
    assert len(operations) >= 80
    assert asked >= 250 * TIMES, asker.statuses


def test_an_answer_that_is_described_otherwise_is_noticed(target: Stack) -> None:
    asker = Asker(target)
    document = asker.document()
    document["components"]["schemas"]["Status"]["required"].append("weather")
    del document["paths"]["/api/v1/jobs/{job_id}"]["get"]["responses"]["404"]
    wanted = ("GET /api/v1/status", "GET /api/v1/jobs/{job_id}")
    for operation in of(document):
        if operation.label in wanted:
            draw(operation, asker)
    assert set(asker.faults) == {(wanted[0], "JsonSchemaError"), (wanted[1], "UndefinedStatusCode")}


def of(document: dict[str, Any]) -> list[Operation]:
    """Its operations, read as schemathesis does."""
    refusing = {"checks": {"negative_data_rejection": {"expected-statuses": REFUSED}}}
    described = schemathesis.openapi.from_dict(document, config=Config.from_dict(refusing))
    return [found.ok() for found in described.get_all_operations() if isinstance(found, Ok)]


def draw(operation: Operation, asker: Asker) -> None:
    """Ask what fits the operation, and what does not."""
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        drawing = given(operation.as_strategy(generation_mode=mode))
        try:
            ANY(drawing(asker.ask))()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, f"nothing fits {operation.label}"  # else it takes no value
