"""`custody serve`: a real server over a real store."""

import os
import signal
import socket
import threading

import pytest

from tests.cli.conftest import answer_of, line_with, running, stopped


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_server_answers_and_stops_when_told_to(cli, tmp_path, how):
    with running("serve", "--port", 0, "--workers", 2, errors=tmp_path / "errors", **cli.environment) as process:
        url = line_with(process, "custody serves on").rpartition(" ")[2]
        assert answer_of(f"{url}/healthz") == (200, "ok\n")
        code, page = answer_of(f"{url}/")
        assert (code, "<form" in page) == (200, True)
        answers = []
        clients = [threading.Thread(target=lambda: answers.append(answer_of(f"{url}/healthz"))) for _ in range(16)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert answers == [(200, "ok\n")] * 16
        assert stopped(process, how) == 0
    assert "Traceback" not in (tmp_path / "errors").read_text()
    assert cli.told("ledger", "verify")["ok"] is True


@pytest.mark.slow
def test_workers_that_die_are_replaced(cli, tmp_path):
    """Each worker opens the store for itself, so a new one owes nothing to those before it."""
    with running("serve", "--port", 0, "--workers", 1, errors=tmp_path / "errors", **cli.environment) as process:
        url = line_with(process, "custody serves on").rpartition(" ")[2]
        answer_of(f"{url}/healthz")
        (worker,) = children(process.pid)
        os.kill(worker, signal.SIGKILL)
        assert answer_of(f"{url}/healthz") == (200, "ok\n")
        assert children(process.pid) != [worker]
        assert stopped(process, signal.SIGTERM) == 0


def children(parent):
    with open(f"/proc/{parent}/task/{parent}/children") as file:
        return [int(child) for child in file.read().split()]


def test_port_in_use_is_refused(looked_at):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port} cannot be listened on" in looked_at.refused("serve", "--port", port)


def test_address_of_another_machine_is_refused(looked_at):
    assert "cannot be listened on" in looked_at.refused("serve", "--host", "192.0.2.1", "--port", 0)
