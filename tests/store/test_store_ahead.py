"""Work ahead of the lock: the same as work under it, done again where what it rests on has changed."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from custody.domain.acts.donation import ConsentWithdrawn
from custody.domain.ids import AccountId, Digest
from custody.errors import LedgerBrokenError, RepeatedKeyError
from custody.store import idempotency
from custody.store.ahead import MustWaitError, ahead_of, undone_on_error
from custody.store.entries import append, last_recorded_at, load_evidence, load_streams, newest_of
from custody.store.tables import store_fact
from custody.store.working import write_ahead
from tests.store.ledger import DONOR, NOW, STREAM, Ledger, account_created, collected, consent, new, registered, signed_in, withdrawn

LIN = AccountId("lin.wei")


def consent_once(connection):
    """Consent, where nobody has withdrawn it: what is written rests on what was read."""
    stream = load_streams(connection, [STREAM])[STREAM]
    if any(isinstance(entry.act, ConsentWithdrawn) for entry in stream):
        return None
    return append(connection, [new(consent())], recorded_at=NOW)[0]


def test_work_is_kept_as_if_it_had_been_done_under_the_lock(ledger):
    ledger.record(registered())
    entry = write_ahead(ledger.store, consent_once)
    assert ledger.load()[STREAM][-1] == entry
    assert ledger.verify().ok


def test_work_is_done_again_when_a_stream_it_read_has_grown_meanwhile(ledger):
    """Ahead of the lock once more: what has come may be long to judge, and nobody else waits for that."""
    ledger.record(registered())
    seen = []

    def work(connection):
        seen.append(ahead_of(connection) is not None)
        entry = consent_once(connection)
        if len(seen) == 1:
            ledger.record(collected())
            ledger.record(consent(form="2.0"))
        return entry

    entry = write_ahead(ledger.store, work)
    assert seen == [True, True]
    assert ledger.load()[STREAM][-1] == entry
    assert [each.act.rule.name for each in ledger.load()[STREAM]] == ["donor_registered", "consent_signed", "consent_signed"]
    assert ledger.verify().ok


def test_work_is_done_under_the_lock_when_the_stream_goes_on_growing(ledger):
    ledger.record(registered())
    seen = []

    def work(connection):
        seen.append(ahead_of(connection) is not None)
        entry = consent_once(connection)
        if seen[-1]:
            ledger.record(consent(form="2.0") if len(seen) == 1 else withdrawn())
        return entry

    assert write_ahead(ledger.store, work) is None
    assert seen == [True, True, False]
    assert [each.act.rule.name for each in ledger.load()[STREAM]] == ["donor_registered", "consent_signed", "consent_withdrawn"]


def test_work_is_not_done_again_for_streams_it_never_read(ledger):
    ledger.record(registered())
    seen = []

    def work(connection):
        seen.append(consent_once(connection))
        ledger.record(account_created())
        return seen[-1]

    entry = write_ahead(ledger.store, work)
    assert len(seen) == 1
    assert ledger.load()[STREAM][-1] == entry
    assert ledger.verify().ok


def test_stream_that_was_empty_when_it_was_read_counts_too(ledger):
    def work(connection):
        if load_streams(connection, [STREAM])[STREAM]:
            return "known already"
        append(connection, [new(registered())], recorded_at=NOW)
        if ahead_of(connection) is not None:
            ledger.record(registered())
        return "made known"

    assert write_ahead(ledger.store, work) == "known already"
    assert len(ledger.load()[STREAM]) == 1


def test_work_sees_what_it_wrote_itself(ledger):
    ledger.record(account_created())

    def work(connection):
        append(connection, [new(registered()), new(consent())], recorded_at=NOW)
        append(connection, [new(signed_in())], recorded_at=NOW)
        return len(load_streams(connection, [STREAM])[STREAM]), newest_of(connection, LIN.key, "signed_in")

    length, newest = write_ahead(ledger.store, work)
    assert (length, newest.position) == (2, 2)
    assert ledger.by_digest(newest.digest) == newest


def test_two_appends_to_one_stream_follow_each_other(ledger):
    def work(connection):
        append(connection, [new(registered())], recorded_at=NOW)
        return append(connection, [new(consent()), new(collected())], recorded_at=NOW)

    write_ahead(ledger.store, work)
    assert [entry.position for entry in ledger.load()[STREAM]] == [1, 2]
    assert ledger.verify().ok


def test_refusal_ahead_of_the_lock_keeps_nothing(ledger):
    def work(connection):
        append(connection, [new(registered())], recorded_at=NOW)
        raise RepeatedKeyError("no")

    with pytest.raises(RepeatedKeyError):
        write_ahead(ledger.store, work)
    assert ledger.load()[STREAM] == ()


def test_key_answered_meanwhile_is_not_answered_twice(ledger):
    def answer(connection, text):
        found = idempotency.first_answer(connection, LIN, "k", Digest("0" * 64))
        if found is not None:
            return found.answer
        append(connection, [new(registered() if text == "one" else account_created())], recorded_at=NOW)
        return idempotency.remember(connection, LIN, "k", Digest("0" * 64), text, answered_at=NOW).answer

    def work(connection):
        mine = answer(connection, "one")
        if ahead_of(connection) is not None:
            with ledger.store.writing() as other:
                answer(other, "two")
        return mine

    assert write_ahead(ledger.store, work) == "two"
    assert ledger.load()[STREAM] == ()


def test_work_is_done_again_when_the_newest_entry_is_much_younger(ledger):
    ledger.record(account_created())
    seen = []

    def work(connection):
        seen.append(last_recorded_at(connection))
        if len(seen) == 1:
            ledger.record(signed_in(), at=NOW + timedelta(hours=1))
        return append(connection, [new(registered())], recorded_at=NOW)

    write_ahead(ledger.store, work)
    assert seen == [NOW, NOW + timedelta(hours=1)]


def test_work_is_done_again_when_the_times_of_the_record_began_anew_meanwhile(ledger):
    """Otherwise it would be recorded by the clock that had run ahead, and the record would stand there again."""
    ledger.record(account_created(), at=NOW + timedelta(days=365))
    seen = []

    def work(connection):
        seen.append(last_recorded_at(connection))
        if len(seen) == 1:
            with ledger.store.writing() as other:
                append(other, [new(signed_in())], recorded_at=NOW, begins_anew=True)
        return append(connection, [new(registered())], recorded_at=NOW + timedelta(seconds=2))

    write_ahead(ledger.store, work)
    assert seen == [NOW + timedelta(days=365), NOW]
    assert ledger.load()[STREAM][-1].recorded_at == NOW + timedelta(seconds=2)


@pytest.mark.parametrize(
    "only_under_the_lock",
    [
        lambda connection: load_evidence(connection, STREAM),
        lambda connection: connection.execute(insert(store_fact), {"name": "n", "text": "t"}),
    ],
)
def test_what_cannot_be_done_ahead_is_done_under_the_lock(ledger, only_under_the_lock):
    seen = []

    def work(connection):
        seen.append(ahead_of(connection) is not None)
        only_under_the_lock(connection)
        return append(connection, [new(registered())], recorded_at=NOW)

    write_ahead(ledger.store, work)
    assert seen == [True, False]
    assert len(ledger.load()[STREAM]) == 1


def test_no_handler_on_the_way_takes_waiting_for_a_fault():
    assert not issubclass(MustWaitError, Exception)


@pytest.mark.parametrize("ahead", [True, False])
def test_fault_in_a_part_undoes_that_part_alone(ledger, ahead):
    def work(connection):
        append(connection, [new(registered())], recorded_at=NOW)
        with suppress(ZeroDivisionError), undone_on_error(connection):
            append(connection, [new(consent())], recorded_at=NOW)
            assert 1 / 0
        return append(connection, [new(withdrawn())], recorded_at=NOW)

    if ahead:
        write_ahead(ledger.store, work)
    else:
        with ledger.store.writing() as connection:
            work(connection)
    assert [entry.act.rule.name for entry in ledger.load()[STREAM]] == ["donor_registered", "consent_withdrawn"]
    assert ledger.verify().ok


def test_broken_record_is_noticed_ahead_of_the_lock(written):
    written.edit("UPDATE entry SET envelope = replace(envelope, '1.0', '2.0') WHERE stream = 'donor:D-1' AND position = 2")
    with pytest.raises(LedgerBrokenError, match="donor:D-1 entry 2"):
        write_ahead(written.store, consent_once)


def test_many_threads_write_one_stream_without_a_gap(ledger):
    ledger.record(registered())
    start = Barrier(4)

    def run():
        start.wait()
        for _ in range(8):
            write_ahead(ledger.store, lambda connection: append(connection, [new(consent())], recorded_at=NOW))

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.position for entry in ledger.load()[STREAM]] == list(range(1, 34))
    assert ledger.verify().ok


@pytest.mark.many_stores
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["consent", "withdraw", "sign in"]), st.booleans()), max_size=6))
def test_ahead_or_not_makes_no_difference(database, steps):
    kept = []
    for always_wait in (True, False):
        ledger = Ledger(database.store())
        ledger.record(registered())
        for step, interrupted in steps:
            _do(ledger, step, interrupted=interrupted, always_wait=always_wait)
        kept.append([entry.act.rule.name for entry in ledger.load()[STREAM]])
        assert ledger.verify().ok
        database.drop(ledger.store)
    assert kept[0] == kept[1]


def _do(ledger, step, *, interrupted, always_wait):
    acts = {"consent": consent, "withdraw": withdrawn, "sign in": signed_in}
    if interrupted:
        # Somebody else comes first, in either way of doing it.
        if always_wait:
            ledger.record(withdrawn())
        times = []

    def work(connection):
        if interrupted and not always_wait and not times:
            times.append(1)
            load_streams(connection, [STREAM])
            ledger.record(withdrawn())
        if step != "consent":
            return append(connection, [new(acts[step]())], recorded_at=NOW)
        return consent_once(connection)

    if always_wait:
        with ledger.store.writing() as connection:
            work(connection)
    else:
        write_ahead(ledger.store, work)


# --- reading the bytes again ------------------------------------------------------------------------------------------
EDIT = "UPDATE entry SET envelope = replace(envelope, '1.0', '2.0') WHERE stream = 'donor:D-1' AND position = 2"


def test_edit_is_noticed_at_once_when_the_ledger_has_not_grown(written):
    assert len(written.load()[STREAM]) == 3
    written.edit(EDIT)
    with pytest.raises(LedgerBrokenError, match="donor:D-1 entry 2"):
        written.load()


def test_edit_that_hides_between_the_acts_of_others_is_noticed_a_second_later(written, monkeypatch):
    assert len(written.load()[STREAM]) == 3
    written.edit(EDIT)
    written.record(account_created())
    monkeypatch.setattr("custody.store.watch.READ_AGAIN_AFTER_S", 0.0)
    with pytest.raises(LedgerBrokenError, match="donor:D-1 entry 2"):
        written.load()


def test_act_of_another_process_is_seen_at_once(written):
    assert len(written.load()[STREAM]) == 3
    written.raw("UPDATE sign_in_guard SET failures = failures")
    written.record(consent())
    assert len(written.load()[STREAM]) == 4
    assert written.load(DONOR.key)[STREAM][-1].act == consent()
