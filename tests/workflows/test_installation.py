"""Which SQLite runs underneath, and whether it still has the fault that our own lock covers."""

from __future__ import annotations

import sqlite3

import pytest

from custody.workflows.installation import sqlite_seen


@pytest.mark.parametrize(
    ("version", "repaired"),
    [((3, 40, 1), False), ((3, 51, 2), False), ((3, 51, 3), True), ((3, 52, 0), True), ((4, 0, 0), True)],
)
def test_versions_before_the_repair_are_named(version, repaired):
    assert sqlite_seen(version).is_repaired is repaired


def test_version_is_that_of_the_library_in_use():
    assert sqlite_seen().version == sqlite3.sqlite_version
