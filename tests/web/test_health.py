"""The health page says “ok” to everybody, and to administrators what the installation runs on."""

from __future__ import annotations

import sqlite3

import pytest

from custody.web.pages import health
from custody.workflows.installation import SqliteSeen, sqlite_seen
from tests.databases import only_sqlite


@pytest.mark.parametrize("account", [None, "demo-nurse-one", "demo-qp-one"])
def test_everybody_else_learns_only_that_the_store_answers(looked_at, account):
    browser = looked_at.browser() if account is None else looked_at.signed_in(account)
    assert browser.get("/healthz").html == "ok\n"


@only_sqlite
@pytest.mark.parametrize(
    ("language", "warning"), [("en", "can damage its file when a checkpoint races a commit"), ("zh", "可能损坏数据库文件")]
)
@pytest.mark.parametrize("version", ["3.40.1", "3.51.3"])
def test_administrator_reads_the_version_and_a_warning_where_one_is_due(looked_at, monkeypatch, language, warning, version):
    numbers = tuple(map(int, version.split(".")))
    monkeypatch.setattr(health, "sqlite_seen", lambda: sqlite_seen(numbers))
    page = looked_at.signed_in("demo-admin-one", language).get("/healthz")
    ok, line = page.html.splitlines()
    assert (page.code, ok) == (200, "ok")
    assert version in line
    assert (warning in line) is (version == "3.40.1")


@only_sqlite
def test_version_shown_is_that_of_the_library_in_use(looked_at):
    assert isinstance(sqlite_seen(), SqliteSeen)
    assert sqlite3.sqlite_version in looked_at.signed_in("demo-admin-one").get("/healthz").html
