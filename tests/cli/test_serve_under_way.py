"""`custody serve` as it is watched and stopped: a real server on both databases, behind a proxy that is a socket of the test's."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import pytest

from custody.store.connection import open_store
from custody.store.copying import copy_all
from custody.workflows.demonstration import SECRET
from tests import postgres
from tests.cli.conftest import Cli, answer_of, line_with, running
from tests.cli.test_serve import children
from tests.counts import IN_FULL
from tests.databases import BOTH

TOKEN = "token-of-a-test-0123456789abcdefgh"
WORKERS = 2


@pytest.fixture(params=BOTH if IN_FULL else ["sqlite"])
def environment(request, seeded, tmp_path):
    folder = tmp_path / "store"
    shutil.copytree(seeded, folder)
    cli = Cli(folder)
    more = {"CUSTODY_METRICS_TOKEN": TOKEN, "CUSTODY_PROXIES": "127.0.0.1"}
    if request.param == "sqlite":
        yield cli.environment | more
        return
    with postgres.running() as server:
        server.ask("CREATE ROLE custody_owner LOGIN")
        server.ask("CREATE ROLE custody LOGIN")
        server.ask("CREATE DATABASE custody OWNER custody_owner TEMPLATE template0")
        urls = {role: server.url("custody", role) for role in ("custody", "custody_owner")}
        file, store = open_store(f"sqlite:///{cli.database}"), open_store(urls["custody_owner"])
        copy_all(file, store)
        file.close()
        store.close()
        owned = {"CUSTODY_DATABASE_URL": urls["custody"], "CUSTODY_DATABASE_OWNER_URL": urls["custody_owner"]}
        cli.done("db", "upgrade", **owned)
        yield cli.environment | owned | more


@pytest.fixture
def server(environment, tmp_path):
    errors = tmp_path / "errors"
    with running("serve", "--port", 0, "--workers", WORKERS, errors=errors, **environment) as process:
        process.url = line_with(process, "custody serves on").rpartition(" ")[2]
        process.said = errors
        assert answer_of(f"{process.url}/readyz") == (200, "ready\n")
        yield process


def connected(url, timeout=30):
    return socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=timeout)


def begun(url, path, values, address="203.0.113.9"):
    """A form of which all but the last sign has been sent."""
    body = urlencode(values).encode()
    line = connected(url)
    line.sendall(
        f"POST {path} HTTP/1.1\r\nHost: custody\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nX-Forwarded-For: {address}\r\nX-Forwarded-Proto: https\r\n\r\n".encode()
        + body[:-1]
    )
    return line, body[-1:]


def finished(line, rest):
    line.sendall(rest)
    answer = http.client.HTTPResponse(line)
    answer.begin()
    answer.read()
    line.close()
    return answer


def counts(url):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 200
    found = re.search(r'custody_requests_total\{endpoint="health.answers",code="200"\} (\d+)', text)
    return int(found[1]) if found else 0


def told(server):
    return [json.loads(line) for line in server.said.read_text().splitlines()]


def counted_of_all_workers(server):
    for _ in range(20):
        assert answer_of(f"{server.url}/healthz")[0] == 200
    assert counts(server.url) == 20
    for worker in children(server.pid):
        os.kill(worker, signal.SIGKILL)
    for _ in range(5):
        assert answer_of(f"{server.url}/healthz")[0] == 200
    assert {counts(server.url) for _ in range(6)} == {25}


def guards_after_a_wrong_secret(server, store, address):
    """How many names and devices have failed attempts."""
    answer = finished(*begun(server.url, "/sign-in", {"account": "demo-nurse-one", "secret": "wrong", "then": "/"}, address))
    assert answer.getheader("Strict-Transport-Security")
    with store.reading() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM sign_in_guard").scalar()


def proxy_is_believed_about_addresses_alone(server, store):
    """Each browser behind the proxy counts for itself, so that nobody locks out a ward."""
    of_one = guards_after_a_wrong_secret(server, store, "203.0.113.9")
    assert guards_after_a_wrong_secret(server, store, "10.0.0.1, 203.0.113.9") == of_one
    assert guards_after_a_wrong_secret(server, store, "203.0.113.10") == of_one + 1
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    connection.request("GET", "/no-such-page", headers={"PATH_INFO": "/healthz", "SCRIPT_NAME": "/x", "X-Forwarded-Host": "evil.example"})
    assert connection.getresponse().status == 404
    connection.close()


def is_closed_to_others(url):
    try:
        with connected(url, 1) as late:
            late.sendall(b"GET /healthz HTTP/1.1\r\nHost: custody\r\n\r\n")
            return late.recv(100) == b""
    except OSError:
        return True


@pytest.mark.slow
def test_server_is_watched_through_a_proxy_and_finishes_what_is_under_way_when_stopped(server, environment, record_property):
    """At SIGTERM one sign of each form is still on its way: each is answered and recorded, and the process ends with 0."""
    store = open_store(environment["CUSTODY_DATABASE_URL"])
    counted_of_all_workers(server)
    proxy_is_believed_about_addresses_alone(server, store)
    sign_in = {"account": "demo-nurse-one", "secret": SECRET, "then": "/"}
    lines = [begun(server.url, "/sign-in", sign_in) for _ in range(WORKERS * 2)]
    time.sleep(0.5)
    server.send_signal(signal.SIGTERM)
    time.sleep(0.7)
    assert server.poll() is None
    assert is_closed_to_others(server.url)
    with ThreadPoolExecutor(len(lines)) as clients:
        answers = list(clients.map(lambda each: finished(*each), lines))
    began = time.monotonic()
    assert [answer.status for answer in answers] == [302] * len(lines)
    cookies = {answer.getheader("Set-Cookie").partition(";")[0].partition("=")[2] for answer in answers}
    assert len(cookies) == len(lines)
    assert server.wait(timeout=30) == 0
    ended_s = time.monotonic() - began
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM session").scalar() >= len(lines)
    store.close()
    assert [line["code"] for line in told(server) if line.get("endpoint") == "sign_in.enter"][-len(lines) :] == [302] * len(lines)
    written = server.said.read_text()
    assert not [kept_secret for kept_secret in (SECRET, TOKEN, *cookies) if kept_secret in written]
    record_property(
        "figure", f"{len(lines)} requests under way at SIGTERM: all answered and kept; the server had ended {ended_s:.2f} s later"
    )
