"""Readiness: one plain word for whoever asks, the same for everybody, and “ready” only where work can be done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from custody.store.conditions import Condition
from custody.web.current import EXTENSION
from custody.web.surroundings import Surroundings
from custody.workflows import watching
from tests.databases import BOTH, databases
from tests.web.application import application
from tests.web.conftest import Clock


@pytest.fixture(scope="module", params=BOTH)
def kept_in(request, tmp_path_factory):
    with databases(request.param, tmp_path_factory.mktemp("ready")) as found:
        yield found


@pytest.fixture
def asked(kept_in):
    """Ask a new store, whose application is served by `surroundings`."""
    store = kept_in.store()

    def ask(store=store, **surroundings):
        app = application(store, None, Clock())
        app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], surroundings=Surroundings(**surroundings))
        answer = app.test_client().get("/readyz")
        return answer.status_code, answer.get_data(as_text=True)

    ask.store = store
    yield ask
    kept_in.drop(store)


def test_server_with_tables_of_this_version_is_ready(asked):
    assert asked() == (200, "ready\n")


def test_server_over_an_empty_database_is_not_ready(asked, kept_in):
    empty = kept_in.empty()
    assert asked(empty) == (503, "tables\n")
    kept_in.drop(empty)


@pytest.mark.parametrize("revision", ["9999", "0000_never"])
def test_server_over_tables_of_another_version_is_not_ready(asked, revision):
    with asked.store.writing() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    assert asked() == (503, "tables\n")


def test_server_is_not_ready_while_the_standby_it_wants_does_not_follow(asked):
    assert asked(wants_standby=True) == (503, "standby\n")


def test_standby_that_follows_makes_it_ready(asked, monkeypatch):
    monkeypatch.setattr(watching, "conditions", lambda *_, **__: (Condition("standby", "one: 1 follow"),))
    assert asked(wants_standby=True) == (200, "ready\n")


def test_server_whose_database_has_gone_is_not_ready(asked, kept_in):
    store = asked.store
    if kept_in.name == "sqlite":
        path = store.database.path
        store.close()
        kept = path.read_bytes()
        path.write_bytes(b"no database at all" * 100)
        assert asked() == (503, "store\n")
        path.write_bytes(kept)
    else:
        kept_in.server.stop()
        assert asked() == (503, "store\n")
        kept_in.server.start()
    assert asked() == (200, "ready\n")


def test_everybody_is_told_the_same_and_nothing_else(looked_at):
    answers = {looked_at.browser().get("/readyz").html}
    answers |= {looked_at.signed_in(account).get("/readyz").html for account in ("demo-nurse-one", "demo-admin-one")}
    answers.add(looked_at.browser().get("/readyz?verbose=1").html)
    assert answers == {"ready\n"}
