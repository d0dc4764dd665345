"""Lines of the log: JSON that a program can read, no password in them, and the request that they belong to."""

from __future__ import annotations

import io
import json
import logging
import threading
from pathlib import Path

import pytest
import redis

from catalog import request_id
from catalog.errors import LedgerAway, LedgerError
from catalog.index_errors import IndexUnavailable
from deploy.logs import Log, as_json
from worker import requests
from worker.app import PING, make_celery
from worker.logs import JsonLines, PlainLines, set_up_logging, without_passwords


def record(message: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    details = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("ruiji.test", logging.WARNING, __file__, 1, message, arguments, details)


def test_a_line_is_one_json_object_whatever_is_in_it() -> None:
    try:
        raise ValueError('cannot reach redis://:hunter2@host:6379/0\n"quoted"')
    except ValueError as error:
        text = JsonLines().format(record("a %s\nb", "\u2028\x1b[31m", error=error))
    assert "\n" not in text and "hunter2" not in text
    line = json.loads(text)
    assert (line["level"], line["logger"], line["message"]) == ("WARNING", "ruiji.test", "a \u2028\x1b[31m\nb")
    assert "ValueError" in line["exception"] and "request" not in line
    assert line["at"].endswith("+00:00")


def test_an_engine_that_is_away_is_told_in_a_line_and_a_fault_of_ours_with_its_traceback() -> None:
    plain, lines = PlainLines("%(levelname)s %(message)s"), JsonLines()
    for error in (LedgerAway("it is starting up"), IndexUnavailable("it loads"), redis.ConnectionError("refused")):
        try:
            raise error
        except Exception as caught:
            told = record("no answer", error=caught)
        assert plain.format(told) == f"WARNING no answer\n  {type(error).__name__}: {error}"
        assert json.loads(lines.format(told))["exception"] == f"  {type(error).__name__}: {error}"
    for fault in (KeyError("shard"), LedgerError("no such column")):
        try:
            raise fault
        except Exception as caught:
            assert "Traceback" in plain.format(record("no answer", error=caught))


@pytest.mark.parametrize(
    "address",
    ["postgresql+psycopg://ruiji:hunter2@db/ruiji", "redis://:hunter2@127.0.0.1:6379/0", "rediss://u:hunter2@[::1]:1"],
)
def test_passwords_of_addresses_are_left_out_of_both_forms(address: str) -> None:
    for formatter in (JsonLines(), PlainLines("%(levelname)s %(message)s")):
        assert "hunter2" not in formatter.format(record("lost %s", address))
    assert without_passwords("http://127.0.0.1:19530 at 10:15:20") == "http://127.0.0.1:19530 at 10:15:20"


def test_trouble_names_its_request_on_a_terminal_too() -> None:
    formatter = PlainLines("%(levelname)s %(message)s")
    with request_id.working_for("an-id-of-mine"):
        assert formatter.format(record("no answer")) == "WARNING no answer (request an-id-of-mine)"
    assert formatter.format(record("no answer")) == "WARNING no answer"


def test_requests_are_told_in_json_and_not_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logger = logging.getLogger(request_id.LOGGER)
    try:
        set_up_logging("INFO")
        logger.info("GET /")
        logger.setLevel(logging.NOTSET)
        set_up_logging("INFO", "json")
        with request_id.working_for("an-id-of-mine"):
            logger.info("GET /", extra={"fields": {"status": 200}})
    finally:
        for handler in list(root.handlers):
            root.removeHandler(handler)
        for handler in before:
            root.addHandler(handler)
        root.setLevel(level)
    [line] = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert (found["message"], found["status"], found["request"]) == ("GET /", 200, "an-id-of-mine")


def test_what_another_thread_does_for_a_request_is_its_own() -> None:
    seen: list[str] = []
    with request_id.working_for("first-request"):
        bound = request_id.carried(lambda: seen.append(request_id.current()))
    with request_id.working_for("second-request"):
        thread = threading.Thread(target=bound)
        thread.start()
        thread.join()
        assert request_id.current() == "second-request"
    assert seen == ["first-request"] and request_id.current() == ""


def test_a_message_carries_it_to_the_task_and_what_is_no_id_is_not_taken() -> None:
    from celery.app.trace import build_tracer

    seen: list[str] = []
    app = make_celery("memory://")

    def look() -> None:
        seen.append(request_id.current())

    task = app.task(look, name=PING)
    requests.follow_requests()
    trace = build_tracer(PING, task, app=app)
    for number, given in enumerate(("an-id-of-mine", "bad\nid 1", "", None)):
        headers = {} if given is None else {requests.HEADER: given}
        trace(str(number), [], {}, {"id": str(number), "task": PING, **headers})
    assert seen == ["an-id-of-mine", "", "", ""]
    with request_id.working_for("an-id-of-mine"):
        assert requests.headers() == {requests.HEADER: "an-id-of-mine"}
    assert requests.headers() == {}


def test_ruiji_up_passes_json_on_and_puts_the_rest_into_it() -> None:
    own = json.loads(as_json("web", '{"at": "x", "level": "INFO", "message": "GET /", "request": "r"}'))
    assert own == {"at": "x", "level": "INFO", "message": "GET /", "request": "r", "part": "web"}
    for text in ("# Server started", "{not json", '{"other": 1}', "[1]"):
        assert json.loads(as_json("valkey", text))["message"] == text


def test_its_terminal_and_files_hold_json_only(tmp_path: Path) -> None:
    terminal = io.StringIO()
    log = Log(tmp_path, terminal=terminal, form="json")
    log.say("ready \x1b[31m")
    log.close()
    [line] = terminal.getvalue().splitlines()
    assert (json.loads(line)["part"], json.loads(line)["message"]) == ("ruiji", "ready \x1b[31m")
    assert "\x1b" not in line
