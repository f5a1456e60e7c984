"""What every command says about a store that is not there, not custody's, of another version, or damaged."""

import sqlite3

import pytest

COMMANDS = [
    ("serve", "--port", 0),
    ("account", "list"),
    ("account", "disable", "demo-qa-one", "--reason", "gone", "--by", "demo-admin-one"),
    ("account", "grant", "demo-qa-one", "sponsor", "--site", "A9994", "--by", "demo-admin-one"),
    ("account", "add", "a-b", "--person", "PERSON-900", "--printed-name", "A", "--identity", "badge", "--bootstrap", "--site", "A9990"),
    ("study", "diff", "NCT06505941"),
    ("study", "approve", "NCT06505941", "--by", "demo-qp-one"),
    ("bag", "show", "DEMO0001B0014"),
    ("trace", "LOT-0001", "--forward"),
    ("ledger", "verify"),
    ("ledger", "checkpoint"),
    ("ledger", "rebuild"),
]
EACH = [pytest.param(command, id=" ".join(map(str, command[:2]))) for command in COMMANDS]


@pytest.mark.parametrize("command", EACH)
def test_store_must_be_named(nowhere, command):
    sentence = nowhere.refused(*command, CUSTODY_DATABASE_URL=None)
    assert sentence == "no database is named; set CUSTODY_DATABASE_URL, for instance to sqlite:////var/lib/custody/custody.db"


@pytest.mark.parametrize("command", EACH)
def test_store_without_tables_is_refused_and_not_made(nowhere, command):
    assert "run `custody db upgrade` first" in nowhere.refused(*command)
    assert not nowhere.database.exists()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "is no database URL"),
        ("postgresql://127.0.0.1:1/custody", "the database cannot be opened (Connection refused); start its server"),
        ("sqlite://", "names no database file"),
        ("sqlite:////nowhere/at/all/custody.db", "the folder /nowhere/at/all does not exist"),
    ],
)
@pytest.mark.parametrize("command", [("ledger", "verify"), ("db", "upgrade"), ("serve",)])
def test_address_that_names_no_store_is_refused(nowhere, command, url, sentence):
    assert sentence in nowhere.refused(*command, CUSTODY_DATABASE_URL=url)


def test_folder_is_no_store(nowhere):
    assert "Is a directory" in nowhere.refused("ledger", "verify", CUSTODY_DATABASE_URL=f"sqlite:///{nowhere.folder}")


def test_other_file_is_no_store(nowhere):
    nowhere.database.write_text("a letter", encoding="utf-8")
    assert "no SQLite database" in nowhere.refused("ledger", "verify")


def test_store_with_tables_of_something_else_is_refused(nowhere):
    with sqlite3.connect(nowhere.database) as connection:
        connection.execute("CREATE TABLE patient (name TEXT)")
    connection.close()
    assert "holds other tables (patient)" in nowhere.refused("ledger", "verify")
    assert "holds other tables (patient)" in nowhere.refused("db", "upgrade")


@pytest.mark.parametrize("command", [("ledger", "verify"), ("serve",), ("db", "upgrade")])
def test_store_of_a_newer_custody_is_refused(cli, command):
    with sqlite3.connect(cli.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert "written by a newer custody" in cli.refused(*command)


@pytest.mark.parametrize("command", [("ledger", "verify"), ("serve",)])
def test_store_of_an_older_custody_is_refused(cli, command, monkeypatch):
    """There is one version of the tables so far, so what the store says of them is put in its mouth."""
    monkeypatch.setattr("custody.workflows.door.schema_state", lambda _store: "old")
    assert "back it up and run `custody db upgrade`" in cli.refused(*command)


@pytest.mark.parametrize(
    "command", [("ledger", "verify"), ("bag", "show", "DEMO0001B0014"), ("trace", "LOT-0001", "--forward"), ("account", "list")]
)
def test_store_cut_in_half_is_damaged(cli, command):
    data = cli.database.read_bytes()
    cli.database.write_bytes(data[: len(data) // 2])
    assert "damaged" in cli.refused(*command)


def test_setting_that_is_no_number_is_refused(cli):
    assert "CUSTODY_LOCKOUT_AFTER is “many”" in cli.refused("ledger", "verify", CUSTODY_LOCKOUT_AFTER="many")


def test_tables_are_made_once(nowhere):
    assert "now of this version" in nowhere.done("db", "upgrade")
    assert nowhere.database.stat().st_mode & 0o077 == 0
    assert "already" in nowhere.done("db", "upgrade")
    assert nowhere.told("ledger", "verify")["entries"] == 0
    assert nowhere.told("account", "list") == []


def test_database_in_a_folder_that_cannot_be_written_is_refused(nowhere, monkeypatch):
    def forbidden(path, *_arguments, **_options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("custody.store.sqlite.os.open", forbidden)
    assert "choose a folder that custody may write to" in nowhere.refused("db", "upgrade")


def test_file_error_of_any_command_is_one_sentence(cli, monkeypatch):
    def full(_store):
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr("custody.workflows.proving.rebuild", full)
    assert cli.refused("ledger", "rebuild") == "/somewhere: No space left on device"
