"""`custody db`: tables made by their owner, a server's role that changes nothing, and what the database is like in a table."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from sqlalchemy import make_url

from custody.store import log
from custody.store.conditions import file_system_of
from custody.store.connection import open_store
from custody.store.copying import copy_all
from tests import postgres
from tests.databases import raw

on_postgresql = pytest.mark.postgresql


@pytest.fixture(scope="module")
def server():
    with postgres.running() as running:
        yield running


@pytest.fixture
def owned(server, tmp_path):
    """An empty database of an owner, and a role for the server. What follows are settings of the environment."""
    name = make_url(server.copy("template0")).database
    for statement in (
        f'CREATE ROLE "owner_{name}" LOGIN',
        f'CREATE ROLE "server_{name}" LOGIN IN ROLE pg_read_all_stats',
        f'ALTER DATABASE "{name}" OWNER TO "owner_{name}"',
    ):
        server.ask(statement)
    server.ask(f'ALTER SCHEMA public OWNER TO "owner_{name}"', name)
    return {
        "CUSTODY_DATABASE_URL": server.url(name, f"server_{name}"),
        "CUSTODY_DATABASE_OWNER_URL": server.url(name, f"owner_{name}"),
        "CUSTODY_KEY_DIR": str(tmp_path / "keys"),
    }


def conditions_told(cli, **variables):
    answer = cli("db", "check", "--json", **variables)
    return answer.exit_code, {each["name"]: each for each in json.loads(answer.stdout)}


def verified(cli, owned):
    return json.loads(cli.done("ledger", "verify", "--json", **owned))


# ── SQLite ──


def test_good_file_is_said_to_be_good(cli):
    code, told = conditions_told(cli)
    assert code == 0
    assert {"file system", "SQLite", "journal_mode", "synchronous", "tables", "triggers"} <= told.keys()
    assert {each["state"] for each in told.values()} <= {"good", "note"}
    assert "journal_mode" in cli.done("db", "check")


def test_file_without_tables_others_may_read_is_wrong(nowhere):
    nowhere.done("db", "upgrade")
    nowhere.database.chmod(0o644)
    code, told = conditions_told(nowhere)
    assert code == 1
    assert (told["who may read the file"]["state"], told["who may read the file"]["seen"]) == ("bad", "644")
    assert "WRONG" in nowhere("db", "check").stdout


def test_missing_trigger_is_wrong(cli):
    raw(open_store(f"sqlite:///{cli.database}"), "DROP TRIGGER leaf_refuses_update")
    code, told = conditions_told(cli)
    assert code == 1
    assert told["triggers"]["seen"] == "trigger leaf_refuses_update is missing"


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        ("/dev/sda / ext4 rw 0 0\nhost:/x /srv nfs4 rw 0 0", "ext4"),
        ("/dev/sda / ext4 rw 0 0\nhost:/x {place} nfs4 rw 0 0", "nfs4"),
        ("/dev/sda / ext4 rw 0 0\nhost:/x {place} nfs4 rw 0 0\n/dev/sdb {place} xfs rw 0 0", "xfs"),
        ("/dev/sda / ext4 rw 0 0\nhost:/x {place}x nfs4 rw 0 0", "ext4"),
        ("", ""),
    ],
)
def test_file_system_is_that_of_the_innermost_mount(tmp_path, mounts, kind):
    assert file_system_of(tmp_path / "custody.db", mounts.format(place=tmp_path)) == kind


def test_file_over_a_network_is_wrong(cli, monkeypatch):
    monkeypatch.setattr("custody.store.conditions.file_system_of", lambda _path: "nfs4")
    code, told = conditions_told(cli)
    assert (code, told["file system"]["state"]) == (1, "bad")


# ── PostgreSQL ──


@on_postgresql
def test_owner_makes_the_tables_and_the_server_may_only_add(nowhere, owned):
    assert "now of this version" in nowhere.done("db", "upgrade", **owned)
    assert "already" in nowhere.done("db", "upgrade", **owned)
    assert verified(nowhere, owned)["entries"] == 0
    store = open_store(owned["CUSTODY_DATABASE_URL"])
    for statement in (
        "DELETE FROM entry",
        "UPDATE leaf SET number = number",
        "TRUNCATE node",
        "DROP TABLE entry",
        "CREATE TABLE x (y text)",
    ):
        with pytest.raises(Exception, match=r"permission denied|must be owner"):
            raw(store, statement)


@on_postgresql
def test_good_server_is_said_to_be_good(nowhere, owned):
    nowhere.done("db", "upgrade", **owned)
    code, told = conditions_told(nowhere, **owned)
    # The server of the tests does not wait for its disk.
    assert {name for name, each in told.items() if each["state"] == "bad"} == {"fsync"}
    assert code == 1
    assert "may add, and change nothing" in told["role of the server"]["seen"]
    assert told["standby"]["state"] == "note"
    asked = json.loads(nowhere("db", "check", "--standby", "--json", **owned).stdout)
    assert next(each["state"] for each in asked if each["name"] == "standby") == "bad"


@on_postgresql
def test_server_with_the_role_of_the_owner_is_refused(nowhere, owned):
    nowhere.done("db", "upgrade", **owned)
    wrong = owned | {"CUSTODY_DATABASE_URL": owned["CUSTODY_DATABASE_OWNER_URL"]}
    assert "may not use a database role that can change what was recorded (DELETE on answer)" in nowhere.refused("serve", **wrong)
    code, told = conditions_told(nowhere, **wrong)
    assert (code, told["role of the server"]["state"]) == (1, "bad")
    assert "name one role" in nowhere.refused("db", "upgrade", **wrong)


@on_postgresql
def test_owner_of_another_database_is_refused(nowhere, owned, server):
    other = owned | {"CUSTODY_DATABASE_OWNER_URL": server.url("postgres")}
    assert "names another database" in nowhere.refused("db", "upgrade", **other)


@on_postgresql
def test_keys_need_a_folder_of_their_own(nowhere, owned):
    assert "set CUSTODY_KEY_DIR" in nowhere.refused("ledger", "verify", **(owned | {"CUSTODY_KEY_DIR": None}))


@on_postgresql
def test_second_server_that_does_not_follow_stops_writing_and_not_reading(nowhere, owned, server):
    nowhere.done("db", "upgrade", **owned)
    assert conditions_told(nowhere, **owned)[1]["standby"]["state"] == "note"
    server.ask("ALTER SYSTEM SET synchronous_standby_names = 'second'")
    server.ask("SELECT pg_reload_conf()")
    try:
        assert conditions_told(nowhere, **owned)[1]["standby"]["state"] == "bad"
        assert "second database server does not follow" in nowhere.refused("ledger", "rebuild", **owned)
        assert verified(nowhere, owned)["ok"]
    finally:
        server.ask("ALTER SYSTEM RESET synchronous_standby_names")
        server.ask("SELECT pg_reload_conf()")
    nowhere.done("ledger", "rebuild", **owned)


@on_postgresql
def test_whole_record_goes_to_a_server_and_back(cli, owned, tmp_path):
    before = cli.told("ledger", "verify")
    cli.done("db", "copy", owned["CUSTODY_DATABASE_OWNER_URL"])
    cli.done("db", "upgrade", **owned)
    there = verified(cli, owned)
    assert (there["ok"], there["entries"], there["root"]) == (True, before["entries"], before["root"])
    cli.done("db", "copy", f"sqlite:///{tmp_path / 'back.db'}", **owned)
    back = verified(cli, {"CUSTODY_DATABASE_URL": f"sqlite:///{tmp_path / 'back.db'}"})
    assert (back["ok"], back["root"]) == (True, before["root"])
    assert "holds a record already" in cli.refused("db", "copy", f"sqlite:///{tmp_path / 'back.db'}")
    assert raw(open_store(f"sqlite:///{tmp_path / 'back.db'}"), "SELECT * FROM session") == []


@pytest.mark.parametrize("kind", ["file", pytest.param("server", marks=on_postgresql)])
def test_copy_that_was_broken_off_leaves_nothing_and_is_made_again(cli, tmp_path, kind, request):
    url = f"sqlite:///{tmp_path / 'to.db'}" if kind == "file" else request.getfixturevalue("owned")["CUSTODY_DATABASE_OWNER_URL"]
    source, target = open_store(f"sqlite:///{cli.database}"), open_store(url)

    def breaks_off(done, total):
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_all(source, target, breaks_off)
    assert raw(target, "SELECT count(*) FROM entry") == [(0,)]
    target.close()
    source.close()
    before = cli.told("ledger", "verify")
    cli.done("db", "copy", url)
    assert "holds a record already" in cli.refused("db", "copy", url)
    with closing(open_store(url)) as target, target.reading() as connection:
        assert log.root(connection, log.size(connection)).hex() == before["root"]


def test_copy_of_a_store_without_tables_is_refused(nowhere, tmp_path):
    assert "run `custody db upgrade` first" in nowhere.refused("db", "copy", f"sqlite:///{tmp_path / 'to.db'}")
    assert not (tmp_path / "to.db").exists()
