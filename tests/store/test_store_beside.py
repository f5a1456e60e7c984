"""What lies beside the ledger: attachments, series, answers and facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody.domain.ids import AccountId, Digest, DonorId
from custody.domain.readings import Reading, Series
from custody.errors import InputError, NotFoundError, RepeatedKeyError
from custody.store import attachments, idempotency, packing
from custody.store.facts import fact, mark_demonstration, set_fact
from custody.store.series import keep_series, load_series
from tests.databases import only_sqlite
from tests.store.ledger import NOW, registered

NURSE = AccountId.parse("nurse.chen")
DONOR = DonorId.parse("D-1")


# --- attachments ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"a,b\r\n1,2\r\n", bytes(100_000)])
def test_attachment_comes_back_byte_for_byte(store, data):
    with store.writing() as connection:
        digest = attachments.keep(connection, attachments.packed(data), "text/csv", "数据.csv")
    with store.reading() as connection:
        assert attachments.fetch(connection, digest) == attachments.Attachment(
            digest=Digest(sha256(data).hexdigest()), media_type="text/csv", name="数据.csv", data=data
        )


def test_file_that_packing_makes_no_shorter_comes_back(ledger):
    """Of one of these lengths what is packed has as many bytes as the file."""
    assert any(len(packing.packed(b"a" * size, level=1)) == size for size in range(1, 60))
    with ledger.store.writing() as connection:
        for size in range(1, 60):
            digest = attachments.keep(connection, attachments.packed(b"a" * size), "text/plain", "a.txt")
            assert attachments.fetch(connection, digest).data == b"a" * size


def test_same_bytes_are_kept_once_under_their_first_name(store, ledger):
    with store.writing() as connection:
        assert attachments.keep(connection, attachments.packed(b"x"), "text/csv", "a.csv") == attachments.keep(
            connection, attachments.packed(b"x"), "text/plain", "b.txt"
        )
    assert ledger.raw("SELECT name FROM attachment") == [("a.csv",)]


def test_attachment_that_was_never_kept_is_not_found(store):
    with store.reading() as connection, pytest.raises(NotFoundError, match="no attachment 0000"):
        attachments.fetch(connection, Digest("0" * 64))


# --- series -----------------------------------------------------------------------------------------------------------
START = datetime(2026, 1, 1, tzinfo=UTC)
SERIES = st.builds(
    lambda values, minutes: Series(
        readings=tuple(Reading(START + timedelta(minutes=10 * number), value) for number, value in enumerate(values)),
        interval_minutes=Decimal(minutes),
    ),
    st.lists(st.decimals(-200, 60, places=2), min_size=1, max_size=40),
    st.integers(1, 60),
)

pytestmark = only_sqlite


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(series=SERIES)
def test_series_comes_back_exactly(store, series):
    with store.writing() as connection:
        digest = keep_series(connection, series)
        assert keep_series(connection, series) == digest
        assert digest.value == series.digest
        assert load_series(connection, [digest, digest]) == {digest: series}


def test_series_that_was_never_kept_is_missing_from_the_answer(store):
    with store.reading() as connection:
        assert load_series(connection, [Digest("0" * 64)]) == {}
        assert load_series(connection, []) == {}


def test_series_takes_few_bytes_a_reading(store, ledger):
    readings = tuple(Reading(START + timedelta(minutes=n), Decimal(40 + n % 3) / 10) for n in range(10_000))
    with store.writing() as connection:
        keep_series(connection, Series(readings=readings, interval_minutes=Decimal(1)))
    assert ledger.raw("SELECT length(content) FROM series")[0][0] < 4 * len(readings)


# --- idempotency ------------------------------------------------------------------------------------------------------
def test_first_answer_is_given_again_with_its_time(store):
    digest = Digest("a" * 64)
    with store.writing() as connection:
        assert idempotency.first_answer(connection, NURSE, "k1", digest) is None
        kept = idempotency.remember(connection, NURSE, "k1", digest, '{"ok": true}', answered_at=NOW)
    with store.writing() as connection:
        assert idempotency.first_answer(connection, NURSE, "k1", digest) == kept
        assert kept == idempotency.StoredAnswer(answer='{"ok": true}', answered_at=NOW)


def test_same_key_with_another_request_is_refused(store):
    with store.writing() as connection:
        idempotency.remember(connection, NURSE, "k1", Digest("a" * 64), "{}", answered_at=NOW)
        with pytest.raises(RepeatedKeyError, match="“k1” was used"):
            idempotency.first_answer(connection, NURSE, "k1", Digest("b" * 64))


def test_keys_of_two_accounts_are_apart(store):
    with store.writing() as connection:
        idempotency.remember(connection, NURSE, "k1", Digest("a" * 64), "{}", answered_at=NOW)
        assert idempotency.first_answer(connection, AccountId.parse("other"), "k1", Digest("b" * 64)) is None


# --- facts ------------------------------------------------------------------------------------------------------------
def test_fact_is_set_once(store):
    with store.writing() as connection:
        assert fact(connection, "origin") is None
        set_fact(connection, "origin", "demo.example")
        set_fact(connection, "origin", "demo.example")
        assert fact(connection, "origin") == "demo.example"
        with pytest.raises(InputError, match=r"is “demo\.example” and cannot become “other\.example”"):
            set_fact(connection, "origin", "other.example")


def test_only_an_empty_store_becomes_a_demonstration(store, ledger):
    assert not store.is_demonstration
    ledger.record(registered())
    with store.writing() as connection, pytest.raises(InputError, match="already holds entries"):
        mark_demonstration(connection)
