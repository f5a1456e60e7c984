"""`custody serve`: a real server over a real store."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.conftest import answer_of, line_with, running, stopped


@pytest.mark.slow
def test_server_answers_replaces_its_workers_and_stops_when_told_to(cli, tmp_path):
    with running("serve", "--port", 0, "--workers", 2, errors=tmp_path / "errors", **cli.environment) as process:
        url = line_with(process, "custody serves on").rpartition(" ")[2]
        assert answer_of(f"{url}/healthz") == (200, "ok\n")
        code, page = answer_of(f"{url}/")
        assert (code, "<form" in page) == (200, True)
        assert sixteen_at_once(f"{url}/healthz") == [(200, "ok\n")] * 16
        # Each worker opens the store for itself, so a new one owes nothing to those before it.
        for worker in children(process.pid):
            os.kill(worker, signal.SIGKILL)
        assert answer_of(f"{url}/healthz") == (200, "ok\n")
        assert stopped(process, signal.SIGTERM) == 0
    assert "Traceback" not in (tmp_path / "errors").read_text()
    assert cli.told("ledger", "verify")["ok"] is True


def sixteen_at_once(url):
    with ThreadPoolExecutor(16) as clients:
        return list(clients.map(answer_of, [url] * 16))


def children(parent):
    found = [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    assert found
    return found


def test_port_in_use_is_refused(looked_at):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port} cannot be listened on" in looked_at.refused("serve", "--port", port)


def test_address_of_another_machine_is_refused(looked_at):
    assert "cannot be listened on" in looked_at.refused("serve", "--host", "192.0.2.1", "--port", 0)
