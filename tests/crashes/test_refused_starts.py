"""Stores that a server or an upgrade must not touch: one sentence with the remedy, exit status 1, and every file as it was."""

from __future__ import annotations

import os
import re
from types import SimpleNamespace

import pytest

from custody.store import schema
from custody.store.conditions import file_system_of
from custody.store.connection import open_store
from tests.cli.conftest import Cli
from tests.crashes import failing, later
from tests.crashes.failing import FailingDisk
from tests.databases import edit

SERVE, UPGRADE, VERIFY = ("serve", "--port", 0), ("db", "upgrade"), ("ledger", "verify")


def files_of(place: Cli) -> dict[str, bytes]:
    """Without those of the lock, which say nothing and stay."""
    return {path.name: path.read_bytes() for path in place.folder.iterdir() if path.is_file() and "lock-file" not in path.name}


def untouched(place: Cli, *command: object) -> str:
    """The sentence with which it is refused; no file has changed."""
    before = files_of(place)
    sentence = place.refused(*command)
    assert files_of(place) == before
    return sentence


def mounted(monkeypatch, folder, kind):
    """`folder` as if it were of this kind of file system; the kernel's own word for it is the only thing that is made up."""
    monkeypatch.setattr(
        "custody.workflows.installation.file_system_of", lambda path: file_system_of(path, f"/dev/sda / ext4 rw\nx:/y {folder} {kind} rw")
    )


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_server_is_not_started_on_a_file_over_a_network(cli, monkeypatch, kind):
    mounted(monkeypatch, cli.folder, kind)
    before = set(cli.folder.iterdir())
    sentence = untouched(cli, *SERVE)
    assert f"lies on a file system of another machine ({kind}), where two servers can damage it; move it to a disk" in sentence
    assert set(cli.folder.iterdir()) == before


def test_server_is_not_started_on_a_full_disk(cli, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda _folder: SimpleNamespace(f_bavail=3 * 2**8, f_frsize=2**12))
    before = set(cli.folder.iterdir())
    assert re.search(r"is full \(3 MB are left, a server needs 16\); make room$", untouched(cli, *SERVE))
    assert set(cli.folder.iterdir()) == before


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("kind", [failing.FULL, failing.READ_ONLY, failing.BROKEN], ids=lambda kind: kind.name)
def test_disk_that_takes_nothing_makes_no_store(nowhere, kind):
    with failing.on(FailingDisk(kind, 1)) as disk, disk.under_way():
        sentence = nowhere.refused(*UPGRADE)
    assert "call the administrator" in sentence or "cannot be opened" in sentence
    assert nowhere.database.read_bytes() == b""
    nowhere.done(*UPGRADE)


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("at", [1, 40, 300])
def test_disk_that_fills_up_during_an_upgrade_leaves_the_old_tables(cli, monkeypatch, tmp_path, at):
    later.is_installed(tmp_path, monkeypatch)
    store = open_store(f"sqlite:///{cli.database}")
    shape, head = later.shape(store), later.head(store)
    store.close()
    with failing.on(FailingDisk(failing.FULL, at)) as disk, disk.under_way():
        assert "the disk of the server is full, so nothing was recorded" in cli.refused(*UPGRADE)
    assert later.check(store) == "old"
    assert (later.shape(store), later.head(store)) == (shape, head)
    store.close()
    cli.done(*UPGRADE)
    assert later.check(store) == "current"
    assert later.head(store) == head
    store.close()


@pytest.mark.parametrize("command", [SERVE, VERIFY])
def test_store_of_the_version_before_is_refused_until_it_is_brought_up_to_date(cli, monkeypatch, tmp_path, command):
    later.is_installed(tmp_path, monkeypatch)
    assert "written by an older custody; back it up and run `custody db upgrade`" in untouched(cli, *command)
    assert "now of this version" in cli.done(*UPGRADE)
    assert cli.told(*VERIFY)["ok"]


@pytest.mark.parametrize("command", [SERVE, VERIFY, UPGRADE])
def test_store_of_the_next_version_is_refused_by_this_one(cli, monkeypatch, tmp_path, command):
    with monkeypatch.context() as patch:
        later.is_installed(tmp_path, patch)
        cli.done(*UPGRADE)
    assert re.search("written by a newer custody; install that version", untouched(cli, *command))


def test_upgrade_that_would_leave_rows_without_what_they_refer_to_changes_nothing(cli, monkeypatch, tmp_path):
    later.is_installed(tmp_path, monkeypatch)
    store = open_store(f"sqlite:///{cli.database}")
    edit(store, "DELETE FROM entry WHERE id = (SELECT max(id) FROM entry)")
    assert "a row of leaf refers to none of entry, so the tables were left as they were" in cli.refused(*UPGRADE)
    assert schema.schema_state(store) == "old"
    store.close()
