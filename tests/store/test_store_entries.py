"""Appending and loading: positions, links, what comes back, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody.domain.dossier import Head
from custody.domain.ids import Digest, DonorId
from custody.domain.terms import Meaning
from custody.errors import InputError, NotFoundError
from custody.ledger.leaves import leaf_data
from custody.ledger.merkle import leaf_hash, verify_inclusion
from custody.ledger.streams import GENESIS
from custody.store import log
from custody.store.entries import append, heads, last_recorded_at, load_evidence, load_streams, size
from custody.store.loading import forget_decoded
from tests.store.ledger import (
    DONOR,
    NOW,
    STREAM,
    Ledger,
    account_created,
    collected,
    consent,
    countersigned,
    new,
    proposed,
    registered,
    signed_in,
    withdrawn,
)


def test_entries_come_back_as_they_were_appended(ledger):
    written = ledger.record(registered(), consent(), collected())
    again = ledger.load(STREAM, "donation:A999926000001")
    assert again == {STREAM: written[:2], "donation:A999926000001": written[2:]}
    forget_decoded()
    assert ledger.load(STREAM, "donation:A999926000001") == again


def test_positions_and_links_run_through_each_stream(ledger):
    ledger.record(registered(), collected(), consent())
    ledger.record(withdrawn())
    rows = ledger.raw("SELECT position, previous, digest FROM entry WHERE stream = ? ORDER BY position", (STREAM,))
    assert [position for position, _, _ in rows] == [1, 2, 3]
    assert [previous for _, previous, _ in rows] == [GENESIS, rows[0][2], rows[1][2]]


def test_stream_without_entries_is_empty_and_not_absent(ledger):
    assert ledger.load("donor:D-2") == {"donor:D-2": ()}
    assert ledger.load() == {STREAM: ()}


def test_heads_say_how_far_each_stream_is_written(ledger, store):
    first, second = ledger.record(registered(), consent())
    assert first.position == 1
    with store.reading() as connection:
        assert heads(connection, [STREAM, "donor:D-2"]) == {STREAM: Head(2, second.digest)}


def test_evidence_is_kept_and_left_out_of_what_gates_read(ledger, store):
    ledger.record(account_created(), signed_in(), signed_in())
    assert [entry.act for entry in ledger.load("account:lin.wei")["account:lin.wei"]] == [account_created()]
    with store.reading() as connection:
        assert [entry.act for entry in load_evidence(connection, "account:lin.wei")] == [account_created(), signed_in(), signed_in()]


def test_signature_keeps_its_meaning(ledger):
    ledger.record(consent(), meaning=Meaning.WITNESSED)
    forget_decoded()
    assert ledger.load()[STREAM][0].by.meaning is Meaning.WITNESSED


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"signature": None}, "no signature is given"),
        ({"signature": {"meaning": "witnessed", "digest": "0"}}, "a signature has digest, meaning, method"),
        ({"signature": {"meaning": "verified", "digest": "0", "method": "secret"}}, "the signature means “verified”"),
        ({"happened_at": NOW.replace(tzinfo=None)}, "no offset"),
        ({"station": "e\u0301"}, "NFC"),
    ],
)
def test_entry_that_cannot_be_kept_is_refused_and_nothing_is_written(store, ledger, change, why):
    entry = replace(new(consent(), meaning=Meaning.WITNESSED), **change)
    with pytest.raises(InputError, match=why), store.writing() as connection:
        append(connection, [new(registered()), entry], recorded_at=NOW)
    assert ledger.load() == {STREAM: ()}
    assert ledger.verify().entries == 0


def test_nothing_to_append_appends_nothing(store):
    with store.writing() as connection:
        assert append(connection, [], recorded_at=NOW) == ()
        assert size(connection) == 0
        assert last_recorded_at(connection) is None


def test_last_recorded_at_is_that_of_the_newest_entry_with_its_offset(ledger, store):
    ledger.record(registered(), at=NOW)
    ledger.record(consent(), at=NOW + timedelta(microseconds=1))
    with store.reading() as connection:
        assert last_recorded_at(connection) == NOW + timedelta(microseconds=1)
        assert last_recorded_at(connection).utcoffset() == timedelta(hours=8)
        assert size(connection) == 2


def test_entry_is_found_by_its_digest(ledger):
    entry = ledger.record(registered(), consent())[1]
    assert ledger.by_digest(entry.digest) == entry
    assert ledger.by_digest(Digest("0" * 64)) is None


def test_two_stores_do_not_share_what_they_remember(ledger, database):
    other = Ledger(database.store())
    ledger.record(registered(), consent())
    other.record(registered())
    assert len(ledger.load()[STREAM]) == 2
    assert len(other.load()[STREAM]) == 1
    database.drop(other.store)


def test_what_a_rolled_back_transaction_wrote_is_forgotten(ledger, store):
    ledger.record(registered())
    with store.writing() as connection, connection.begin_nested() as part:
        append(connection, [new(consent(form="9.9"))], recorded_at=NOW)
        assert len(load_streams(connection, [STREAM])[STREAM]) == 2
        part.rollback()
    assert len(ledger.load()[STREAM]) == 1
    ledger.record(consent(form="1.0"))
    assert ledger.load()[STREAM][1].act == consent(form="1.0")


def test_much_old_evidence_rolled_back_leaves_no_trace_either(ledger, store):
    ledger.record(account_created())
    stream = "account:lin.wei"
    with store.writing() as connection, connection.begin_nested() as part:
        append(connection, [new(signed_in()) for _ in range(250)], recorded_at=NOW)
        load_streams(connection, [stream])
        part.rollback()
    for _ in range(3):
        ledger.record(*([signed_in()] * 80))
    assert len(ledger.load(stream)[stream]) == 1


def test_every_entry_is_proved_in_the_log(ledger, store):
    entries = [*ledger.record(registered(), consent(), collected()), *ledger.record(withdrawn()), *ledger.record(signed_in())]
    with store.reading() as connection:
        root = log.root(connection, 5)
        for number, entry in enumerate(entries):
            index, salt, path = log.proof_of(connection, bytes.fromhex(entry.digest.value), 5)
            leaf = leaf_hash(leaf_data(salt, entry.stream, entry.position, bytes.fromhex(entry.digest.value)))
            assert index == number
            assert verify_inclusion(leaf, index, 5, path, root)
        with pytest.raises(NotFoundError, match="no entry"):
            log.proof_of(connection, bytes.fromhex(entries[4].digest.value), 4)


def test_equal_acts_have_different_leaves(ledger):
    ledger.record(registered(DonorId.parse("X1")))
    salts = ledger.raw("SELECT salt FROM entry")
    ledger.record(registered(DonorId.parse("X2")))
    assert len({salt for (salt,) in [*salts, *ledger.raw("SELECT salt FROM entry")]}) == 2


def test_proposals_come_back_with_their_countersignatures(ledger):
    ledger.record(proposed(consent()), countersigned(consent()))
    forget_decoded()
    assert [entry.act for entry in ledger.load()[STREAM]] == [proposed(consent()), countersigned(consent())]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cn"]), max_size=100)
ACTS_ABOUT_DONORS = st.one_of(
    st.just(registered()),
    st.builds(lambda form: consent(form=form), TEXTS),
    st.builds(
        lambda reason: withdrawn(reason=reason), st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cn"]), max_size=300)
    ),
    st.builds(lambda number: registered(DonorId.parse(f"D-{number}")), st.integers(1, 3)),
)


@pytest.mark.many_stores
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(ACTS_ABOUT_DONORS, min_size=1, max_size=4), min_size=1, max_size=5), forget=st.booleans())
def test_whatever_is_appended_comes_back_and_proves_itself(database, batches, forget):
    ledger = Ledger(database.store())
    expected = {}
    for batch in batches:
        for entry in ledger.record(*batch):
            expected.setdefault(entry.stream, []).append(entry)
    if forget:
        forget_decoded()
    loaded = ledger.load(*expected)
    # Text is kept in NFC, which is what comes back once it was read from the store.
    assert {stream: [entry.digest for entry in entries] for stream, entries in loaded.items()} == {
        stream: [entry.digest for entry in entries] for stream, entries in expected.items()
    }
    report = ledger.verify()
    assert report.faults == ()
    assert report.entries == sum(map(len, expected.values()))
    database.drop(ledger.store)


def test_times_in_utc_come_back_in_utc(ledger):
    ledger.record(registered(), at=datetime(2026, 5, 1, tzinfo=UTC), happened_at=datetime(2026, 4, 30, 23, tzinfo=UTC))
    forget_decoded()
    entry = ledger.load()[STREAM][0]
    assert (entry.recorded_at, entry.happened_at) == (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 4, 30, 23, tzinfo=UTC))
    assert entry.act.subject == DONOR
