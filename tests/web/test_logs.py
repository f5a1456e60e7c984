"""The log of a server: a line of JSON with the number of the request, and nothing that anybody typed, carried or was called."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog
from flask import Flask

from custody.web import logs
from custody.web.logs import Line, event_of, only_known
from custody.workflows import demonstration
from tests.web.test_metrics import counting

PLANTED = "zq-planted-secret-7731"


@pytest.fixture
def written(monkeypatch):
    """What a server would have written to standard error."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = structlog.get_config()
    monkeypatch.setattr(root, "handlers", [handler])
    monkeypatch.setattr(logs.sys, "stderr", stream)
    logs.begin()
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.configure(**before)


def text_of(lines):
    return json.dumps(lines, ensure_ascii=False)


def test_request_is_one_line_with_its_number_its_view_and_its_code(written, looked_at):
    looked_at.browser().get("/healthz")
    (line,) = written()
    assert set(line) == {"event", "request_id", "method", "endpoint", "code", "account", "milliseconds", "level", "at"}
    assert (line["event"], line["endpoint"], line["code"], line["level"]) == ("request", "health.answers", 200, "info")
    assert len(line["request_id"]) == 16


def test_fault_has_the_number_of_its_request_and_none_of_its_words(written, looked_at, monkeypatch):
    monkeypatch.setattr("custody.web.pages.health.studies", fails)
    page = looked_at.browser().get(f"/healthz?q={PLANTED}")
    fault, request = written()
    assert page.code == 503
    assert fault["request_id"] == request["request_id"]
    assert fault["fault"][0].startswith("RuntimeError > fails (test_logs.py:")
    assert fault["fault"][1].startswith("ValueError")
    assert PLANTED not in text_of(written())


def fails(*_):
    try:
        int(PLANTED)
    except ValueError as error:
        raise RuntimeError(f"parameters: {PLANTED}") from error


def test_nothing_that_was_typed_or_carried_is_written(written, web):
    """Secrets, tokens, cookies, searches, names: planted wherever a request has room for them, and looked for in every line."""
    counting(web)
    browser = web.browser()
    browser.post("/sign-in", {"account": "demo-nurse-one", "secret": PLANTED, "station": PLANTED, "then": f"/?{PLANTED}"})
    browser.post("/sign-in", {"account": PLANTED, "secret": demonstration.SECRET, "then": "/"})
    browser.sign_in("demo-nurse-one")
    session = browser.client.get_cookie("custody_session").value
    form = browser.get("/secret").form("/secret")
    for path in (f"/search?q={PLANTED}", f"/things/bag/{PLANTED}", f"/{PLANTED}", f"/acts/{PLANTED}", f"/metrics?{PLANTED}"):
        browser.client.get(path, headers={"Authorization": f"Bearer {PLANTED}", "X-Forwarded-For": PLANTED, "User-Agent": PLANTED})
    browser.post("/secret", {**form, "secret": PLANTED, "new": PLANTED})
    browser.post("/acts/weight_measured", {"csrf_token": PLANTED, "participant": PLANTED})
    browser.post(f"/reset/{PLANTED}", {"new": PLANTED})
    lines = written()
    assert len(lines) >= 11
    for kept_secret in (PLANTED, session, form["csrf_token"][0], demonstration.SECRET, "custody_session"):
        assert kept_secret not in text_of(lines)
    with web.store.reading() as connection:
        names = [row[0] for row in connection.exec_driver_sql("SELECT text FROM store_fact")]
    assert not [name for name in names if len(name) > 20 and name in text_of(lines)]


def test_only_what_is_known_of_a_request_is_written():
    assert only_known(None, "info", {"event": "request", "code": 200, "query": PLANTED, "cookie": PLANTED}) == {
        "event": "request",
        "code": 200,
    }


@pytest.mark.parametrize(
    ("name", "message", "arguments", "event"),
    [
        ("custody.web.errors", "request %s failed", ("17",), "request 17 failed"),
        ("gunicorn.error", "Error handling request %s", (f"/reset/{PLANTED}",), "Error handling request %s"),
        ("gunicorn.error", f"Invalid request from ip=192.0.2.1: Invalid HTTP Header: '{PLANTED}'", (), "Invalid request from ip=192.0.2.1"),
        ("gunicorn.error", "Worker (pid:%s) was sent SIGKILL!", (17,), "Worker (pid:17) was sent SIGKILL!"),
        ("gunicorn.error", ValueError(PLANTED), (), "ValueError"),
        ("custodyx", "said %s", (PLANTED,), "said %s"),
    ],
)
def test_library_is_quoted_without_what_it_quotes(name, message, arguments, event):
    record = logging.LogRecord(name, logging.ERROR, "a.py", 1, message, arguments, None)
    assert event_of(record) == event
    assert json.loads(Line().format(record))["event"] == event


def test_line_outside_a_request_has_no_number():
    assert "request_id" not in json.loads(Line().format(logging.LogRecord("custody", logging.ERROR, "a.py", 1, "x", (), None)))
    with Flask("a").test_request_context():
        assert json.loads(Line().format(logging.LogRecord("custody", logging.ERROR, "a.py", 1, "x\ny", (), None)))["request_id"] == ""


def test_circle_of_causes_ends():
    one, two = ValueError(PLANTED), KeyError(PLANTED)
    one.__cause__, two.__cause__ = two, one
    assert list(logs.faults(one)) == ["ValueError", "KeyError"]
