"""What only a serving process does: it reads again in the background, from its first request to its last."""

from __future__ import annotations

import threading

import pytest

from custody.config import Config
from custody.store.schema import upgrade
from custody.web import serving
from custody.web.app import create_app
from custody.workflows.door import open_store


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "custody-rereading"]


@pytest.fixture
def place(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'custody.db'}")
    upgrade(store)
    yield store, Config(database_url=store.url, key_dir=tmp_path / "keys")
    store.close()


def test_application_alone_reads_nothing_in_the_background(place):
    client = create_app(*place).test_client()
    assert client.get("/healthz").status_code == 200
    assert threads() == []


def test_worker_begins_after_the_fork_and_ends_when_it_leaves(place, monkeypatch):
    # That setting is for a process of its own.
    monkeypatch.setattr(serving, "collect_rarely", lambda: None)
    server = serving._Server(place[1], {})
    assert threads() == []
    application = server.load()
    # Loaded once for all workers: nothing of it may be open or run when they fork.
    assert threads() == []
    assert server._store._by_process == {}
    server.cfg.post_worker_init(None)
    assert application.test_client().get("/healthz").status_code == 200
    assert len(threads()) == 1
    server.cfg.worker_exit(None, None)
    assert threads() == []


def test_demonstration_begins_when_it_is_served_and_ends_when_it_is_stopped(place, monkeypatch):
    seen = []

    class Server:
        def run(self):
            seen.append(len(threads()))
            raise KeyboardInterrupt

        def close(self):
            seen.append("closed")

    monkeypatch.setattr(serving.waitress, "create_server", lambda *_, **__: Server())
    monkeypatch.setattr(serving.signal, "signal", lambda *_: None)
    door = serving.listening("127.0.0.1", 0)
    serving.run_waitress(*place, door, on_ready=seen.append)
    door.close()
    assert seen[1:] == [1, "closed"]
    assert threads() == []
