"""`custody ledger`: the record proves itself, and says where it does not."""

import shutil
import sqlite3

import pytest

from tests.cli.conftest import Cli


def test_record_of_the_demonstration_proves_itself(looked_at):
    said = looked_at.done("ledger", "verify")
    assert "the record proves itself" in said
    assert "not covered:" in said


def test_verification_in_json(looked_at):
    told = looked_at.told("ledger", "verify")
    assert set(told) == {"ok", "entries", "root", "faults", "not_covered"}
    assert told["ok"] is True
    assert told["entries"] > 100
    assert len(bytes.fromhex(told["root"])) == 32
    assert told["faults"] == []
    assert "session" in told["not_covered"]


def edit(database, statement):
    """As somebody with the file would: the triggers are put aside and put back."""
    with sqlite3.connect(database) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        changed = connection.execute(statement).rowcount
        for _, text in triggers:
            connection.execute(text)
    connection.close()
    assert changed == 1


CHANGED = "UPDATE entry SET envelope = replace(envelope, 'LOT-0001', 'LOT-0009') WHERE stream = 'lot:LOT-0001' AND position = 3"


def test_edited_entry_is_named_and_the_exit_status_is_1(cli):
    edit(cli.database, CHANGED)
    answer = cli("ledger", "verify")
    assert answer.exit_code == 1
    assert "THE RECORD DOES NOT PROVE ITSELF" in answer.stdout
    assert "lot:LOT-0001 entry 3" in answer.stderr
    assert answer.stderr.startswith("custody: fault: ")


def test_edited_entry_in_json(cli):
    import json

    edit(cli.database, CHANGED)
    answer = cli("ledger", "verify", "--json")
    told = json.loads(answer.stdout)
    assert answer.exit_code == 1
    assert told["ok"] is False
    assert {(fault["stream"], fault["position"]) for fault in told["faults"]} == {("lot:LOT-0001", 3)}
    assert set(told["faults"][0]) == {"what", "stream", "position"}


def test_missing_trigger_is_a_fault(cli):
    with sqlite3.connect(cli.database) as connection:
        (name,) = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name").fetchone()
        connection.execute(f"DROP TRIGGER {name}")
    connection.close()
    answer = cli("ledger", "verify")
    assert answer.exit_code == 1
    assert name in answer.stderr


def test_checkpoint_verifies_the_record_it_was_made_of(cli, tmp_path):
    note = tmp_path / "note.txt"
    said = cli.done("ledger", "checkpoint", "--out", note)
    assert str(note) in said
    assert "the record proves itself" in cli.done("ledger", "verify", "--checkpoint", note)


def test_checkpoint_goes_to_standard_output_as_the_note_alone(cli, tmp_path):
    note = cli.done("ledger", "checkpoint")
    assert note.splitlines()[0] == "custody.example.org/demonstration"
    (tmp_path / "note.txt").write_text(note, encoding="utf-8")
    cli.done("ledger", "verify", "--checkpoint", tmp_path / "note.txt")


def test_checkpoint_in_json(cli):
    told = cli.told("ledger", "checkpoint")
    assert set(told) == {"note", "verifier", "size"}
    assert told["note"].splitlines()[1] == str(told["size"])
    assert told["size"] == cli.told("ledger", "verify")["entries"]


def test_cut_off_tail_is_found_by_a_checkpoint_only(cli, tmp_path):
    older = Cli(tmp_path / "older")
    cli.done("ledger", "checkpoint")
    shutil.copytree(cli.folder, older.folder)
    add = ("account", "add", "demo-new-one", "--person", "PERSON-900", "--printed-name", "New One", "--identity", "badge")
    cli.done(*add, "--by", "demo-admin-one", **cli.by("demo-admin-one"))
    note = tmp_path / "note.txt"
    cli.done("ledger", "checkpoint", "--out", note)
    older.done("ledger", "verify")
    answer = older("ledger", "verify", "--checkpoint", note)
    assert answer.exit_code == 1
    assert "fault" in answer.stderr


def test_changed_checkpoint_is_refused(cli, tmp_path):
    note = cli.done("ledger", "checkpoint")
    size = note.splitlines()[1]
    (tmp_path / "note.txt").write_text(note.replace(f"\n{size}\n", f"\n{int(size) - 1}\n"), encoding="utf-8")
    cli.refused("ledger", "verify", "--checkpoint", tmp_path / "note.txt")


def test_unreadable_checkpoints_are_refused(cli, tmp_path):
    cli.done("ledger", "checkpoint")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "text").write_text("hello\n", encoding="utf-8")
    assert "cannot be read" in cli.refused("ledger", "verify", "--checkpoint", tmp_path / "none.txt")
    assert "cannot be read" in cli.refused("ledger", "verify", "--checkpoint", tmp_path)
    assert "cannot be read" in cli.refused("ledger", "verify", "--checkpoint", tmp_path / "binary")
    assert "a note is text" in cli.refused("ledger", "verify", "--checkpoint", tmp_path / "text")


def test_checkpoint_without_the_key_that_verifies_it_is_refused(cli, tmp_path):
    note = tmp_path / "note.txt"
    cli.done("ledger", "checkpoint", "--out", note)
    (cli.folder / "keys" / "checkpoint.pub").unlink()
    assert "is missing" in cli.refused("ledger", "verify", "--checkpoint", note)


@pytest.mark.parametrize("place", ["none/note.txt", "."])
def test_checkpoint_that_cannot_be_written_is_refused(cli, tmp_path, place):
    assert str(tmp_path) in cli.refused("ledger", "checkpoint", "--out", tmp_path / place)


def test_rebuild_repairs_lookups_and_leaves_entries_alone(cli):
    before = cli.told("ledger", "verify")
    with sqlite3.connect(cli.database) as connection:
        assert connection.execute("DELETE FROM edge WHERE child = 'bag:DEMO0001B0014'").rowcount
    connection.close()
    assert cli("ledger", "verify").exit_code == 1
    cli.done("ledger", "rebuild")
    assert cli.told("ledger", "verify") == before
