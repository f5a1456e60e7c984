"""A server says at its start which SQLite it runs on, with one sentence of warning where that has a known fault."""

from __future__ import annotations

import sqlite3

import pytest

from custody.cli import demonstration, installation, output
from custody.workflows.installation import sqlite_seen


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ((3, 51, 3), "SQLite 3.51.3."),
        ((3, 51, 2), "SQLite 3.51.2, before 3.51.3, can damage its file when a checkpoint races a commit;"),
    ],
)
def test_warning_stands_below_the_repaired_version_only(monkeypatch, version, line):
    monkeypatch.setattr(output, "sqlite_seen", lambda: sqlite_seen(version))
    assert output.sqlite_line().startswith(line)
    assert ("update when you can" in output.sqlite_line()) is (version < (3, 51, 3))


def test_serve_says_it_when_it_listens(capsys):
    installation._say("http://127.0.0.1:8400")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "custody serves on http://127.0.0.1:8400"
    assert said[1].startswith(f"SQLite {sqlite3.sqlite_version}")


def test_demonstration_says_it_in_its_guide(seeded):
    guide = demonstration._guide("http://127.0.0.1:8400", seeded)
    assert f"SQLite {sqlite3.sqlite_version}" in guide
