"""One address names several servers, as PostgreSQL's own programs take it, and whoever connects finds the one that takes writing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sqlalchemy import make_url

from custody.errors import InputError
from custody.store.connection import open_store
from custody.store.postgresql import _FoundLast, with_hosts_as_query

ONE = "postgresql://custody@one/custody"


@pytest.mark.parametrize(
    ("written", "hosts"),
    [
        ("postgresql://custody@one:5433,two:5434/custody", ("one:5433", "two:5434")),
        ("postgresql://custody@one,two/custody", ("one", "two")),
        ("postgresql://one,two:5434,three/custody", ("one", "two:5434", "three")),
        ("postgresql+psycopg://custody:p%40ss@10.0.0.1,10.0.0.2/custody?sslmode=verify-full", ("10.0.0.1", "10.0.0.2")),
        ("postgresql://custody@/custody?host=one:5433&host=two", ("one:5433", "two")),
    ],
)
def test_several_hosts_are_read_as_libpq_reads_them(written, hosts):
    url = make_url(open_store(written).url)
    assert url.query["host"] == hosts
    assert (url.host, url.port, url.database) == (None, None, "custody")
    assert url.query["target_session_attrs"] == "read-write"
    if "verify-full" in written:
        assert (url.query["sslmode"], url.password) == ("verify-full", "p@ss")


@pytest.mark.parametrize(
    "written", [ONE, "postgresql:///custody?host=/run/postgresql", "postgresql://custody:a,b@one/custody", "sqlite:////a,b"]
)
def test_address_of_one_server_stays_as_it_is(written):
    assert with_hosts_as_query(written) == written


def test_one_server_may_be_one_that_follows():
    """Monitors read there."""
    assert "target_session_attrs" not in open_store(ONE).url


def test_which_of_several_is_meant_can_be_said():
    url = "postgresql://custody@one,two/custody?target_session_attrs=any"
    assert make_url(open_store(url).url).query["target_session_attrs"] == "any"


def test_several_hosts_without_a_database_are_refused():
    with pytest.raises(InputError, match="names no database"):
        open_store("postgresql://custody@one,two/")


def asked(found_last, host, port):
    parameters = {"host": host, "port": port}
    found_last.first(None, None, None, parameters)
    return parameters["host"], parameters["port"]


@pytest.mark.parametrize(
    ("port", "at", "expected"),
    [
        ("5433,5434,5435", ("two", 5434), ("two,one,three", "5434,5433,5435")),
        (",,", ("three", 5432), ("three,one,two", ",,")),
        ("", ("two", 5432), ("two,one,three", ",,")),
        ("6000", ("two", 6000), ("two,one,three", "6000,6000,6000")),
        ("5433,5434,5435", ("gone", 5434), ("one,two,three", "5433,5434,5435")),
    ],
)
def test_server_that_was_found_last_is_asked_first(port, at, expected):
    found_last = _FoundLast()
    before = asked(found_last, "one,two,three", port)[0]
    assert before == "one,two,three"
    found_last.note(SimpleNamespace(info=SimpleNamespace(host=at[0], port=at[1])), None)
    assert asked(found_last, "one,two,three", port) == expected
