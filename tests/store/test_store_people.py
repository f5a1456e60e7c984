"""People beside the ledger: credentials, sessions, identities and their keys."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.acts.people import SecretKind
from custody.domain.ids import AccountId, DonorId, ParticipantId
from custody.errors import InputError, LedgerBrokenError, NotFoundError
from custody.store import attempts, credentials, identities, sessions, tickets
from custody.store.facts import mark_demonstration
from custody.store.identities import IdentityField, commitment, keep_identity, view_identity, views_of
from custody.store.keys import KEY_DIR, keys_in
from tests.databases import bytes_of
from tests.store.ledger import NOW

NURSE = AccountId.parse("nurse.chen")
DONOR = DonorId.parse("D-1")


# --- credentials ------------------------------------------------------------------------------------------------------
def test_secret_matches_itself_and_nothing_else(store):
    hashed = credentials.hash_secret("correct horse 正确", weak=True)
    assert hashed.startswith("$argon2id$")
    with store.writing() as connection:
        known = credentials.set_secret(connection, NURSE, hashed, set_at=NOW, must_change=True)
        assert credentials.newest_credential(connection, NURSE) == known
    for secret, matches in (("correct horse 正确", True), ("correct horse", False), ("", False), ("\x00", False)):
        assert credentials.secret_matches(known, secret, weak=True) is matches
    assert credentials.secret_matches(None, "correct horse 正确", weak=True) is False


def test_unreadable_hash_matches_nothing(store):
    with store.writing() as connection:
        known = credentials.set_secret(connection, NURSE, "plain", set_at=NOW, must_change=False)
    assert credentials.secret_matches(known, "plain", weak=True) is False


def test_newest_credential_counts_and_earlier_ones_stay(store, ledger):
    with store.writing() as connection:
        assert credentials.newest_credential(connection, NURSE) is None
        first = credentials.set_secret(connection, NURSE, "hash 1", set_at=NOW, must_change=True)
        second = credentials.set_secret(connection, NURSE, "hash 2", set_at=NOW, must_change=False)
        assert credentials.newest_credential(connection, NURSE) == second
    assert [first.number, second.number] == [1, 2]
    assert len(ledger.raw("SELECT 1 FROM credential")) == 2
    assert credentials.row_digest(first) != credentials.row_digest(second)


@pytest.mark.parametrize(
    ("asked", "demonstration", "weak"), [("1", True, True), ("1", False, False), ("0", True, False), (None, True, False)]
)
def test_secrets_are_weak_only_where_asked_for_in_a_demonstration(store, monkeypatch, asked, demonstration, weak):
    monkeypatch.delenv(credentials.WEAK_SECRETS, raising=False)
    if asked is not None:
        monkeypatch.setenv(credentials.WEAK_SECRETS, asked)
    if demonstration:
        with store.writing() as connection:
            mark_demonstration(connection)
    assert credentials.secrets_are_weak(store) is weak


def test_ordinary_hash_is_the_strong_profile():
    assert "m=65536" in credentials.hash_secret("x", weak=False)


def test_secrets_and_pins_are_numbered_in_one_row_and_found_apart(store):
    with store.writing() as connection:
        secret = credentials.set_secret(connection, NURSE, "hash 1", set_at=NOW, must_change=False)
        pin = credentials.set_secret(connection, NURSE, "hash 2", set_at=NOW, must_change=False, kind=SecretKind.PIN)
        assert (secret.number, pin.number) == (1, 2)
        assert credentials.newest_credential(connection, NURSE) == secret
        assert credentials.newest_credential(connection, NURSE, SecretKind.PIN) == pin


def test_row_of_a_pin_cannot_pass_for_that_of_a_secret():
    made = {"account": NURSE, "number": 1, "secret_hash": "hash", "set_at": NOW, "must_change": False}
    digests = {credentials.row_digest(credentials.Credential(kind=kind, **made)) for kind in SecretKind}
    assert len(digests) == 2


# --- tickets ----------------------------------------------------------------------------------------------------------
def test_newest_ticket_is_found_and_its_digest_covers_every_column(store):
    first = tickets.Ticket(account=NURSE, code_hash="one", valid_until=NOW + timedelta(hours=1))
    later = tickets.Ticket(account=NURSE, code_hash="two", valid_until=NOW + timedelta(hours=2))
    with store.writing() as connection:
        assert tickets.newest_ticket(connection, NURSE) is None
        for ticket in (later, first):
            tickets.keep_ticket(connection, ticket)
        assert tickets.newest_ticket(connection, NURSE) == later
        assert tickets.newest_ticket(connection, AccountId.parse("other")) is None
    changed = (
        replace(first, account=AccountId.parse("other")),
        replace(first, code_hash="two"),
        replace(first, valid_until=NOW),
    )
    assert len({ticket.digest for ticket in (first, *changed)}) == 4


# --- attempts ---------------------------------------------------------------------------------------------------------
def test_failures_are_counted_until_cleared(store):
    until = NOW + timedelta(minutes=15)
    with store.writing() as connection:
        assert attempts.guard_of(connection, NURSE).failures == 0
        attempts.note_failure(connection, NURSE, at=NOW)
        guard = attempts.note_failure(connection, NURSE, at=NOW, locked_until=until)
        assert guard == attempts.guard_of(connection, NURSE)
        assert (guard.failures, guard.locked_until, guard.last_failure_at) == (2, until, NOW)
        attempts.clear_failures(connection, NURSE)
        assert attempts.guard_of(connection, NURSE) == attempts.NONE


def test_bar_on_a_pin_outlives_a_cleared_count_until_the_whole_secret(store):
    with store.writing() as connection:
        attempts.note_failure(connection, NURSE, at=NOW, pin_barred=True)
        attempts.clear_failures(connection, NURSE, keep_bar=True)
        guard = attempts.guard_of(connection, NURSE)
        assert (guard.failures, guard.pin_barred) == (0, True)
        attempts.note_failure(connection, NURSE, at=NOW)
        assert attempts.guard_of(connection, NURSE).pin_barred
        attempts.clear_failures(connection, NURSE)
        assert attempts.guard_of(connection, NURSE) == attempts.NONE


@pytest.mark.parametrize(
    ("age", "left"),
    [(attempts.FORGOTTEN_AFTER, 2), (attempts.FORGOTTEN_AFTER + timedelta(microseconds=1), 1)],
)
def test_old_attempts_are_forgotten_with_the_next_one(store, ledger, age, left):
    with store.writing() as connection:
        attempts.note_failure(connection, AccountId.parse("stranger"), at=NOW - age)
        attempts.note_failure(connection, NURSE, at=NOW)
    assert len(ledger.raw("SELECT 1 FROM sign_in_guard")) == left


def test_lock_that_still_stands_and_a_bar_are_never_forgotten(store):
    old = NOW - timedelta(days=30)
    locked, barred = AccountId.parse("locked"), AccountId.parse("barred")
    with store.writing() as connection:
        attempts.note_failure(connection, locked, at=old, locked_until=NOW + timedelta(seconds=1))
        attempts.note_failure(connection, barred, at=old, pin_barred=True)
        attempts.note_failure(connection, NURSE, at=NOW)
        assert attempts.guard_of(connection, locked).locked_until is not None
        assert attempts.guard_of(connection, barred).pin_barred


def test_flood_of_names_is_bounded_and_never_pushes_out_an_account(store, ledger, monkeypatch):
    monkeypatch.setattr(attempts, "STRANGERS_MAX", 5)
    with store.writing() as connection:
        credentials.set_secret(connection, NURSE, "hash", set_at=NOW, must_change=False)
        for _ in range(3):
            attempts.note_failure(connection, NURSE, at=NOW - timedelta(hours=1))
        for n in range(40):
            attempts.note_failure(connection, AccountId.parse(f"stranger-{n}"), at=NOW + timedelta(seconds=n))
        assert attempts.guard_of(connection, NURSE).failures == 3
        assert attempts.guard_of(connection, AccountId.parse("stranger-39")).failures == 1
    assert len(ledger.raw("SELECT 1 FROM sign_in_guard")) == 6


def test_failures_of_a_device_are_counted_within_their_window(store, ledger):
    window = timedelta(minutes=5)
    with store.writing() as connection:
        for n in range(3):
            attempts.note_device_failure(connection, "address 192.0.2.1", now=NOW + n * timedelta(minutes=2), within=window)
        count = partial(attempts.device_failures, connection, within=window)
        assert count("address 192.0.2.1", now=NOW + window - timedelta(microseconds=1)) == 3
        assert count("address 192.0.2.1", now=NOW + window) == 0
        assert count("address 192.0.2.2", now=NOW) == 0
        # A clock that was set back opens no window that lasts longer.
        assert count("address 192.0.2.1", now=NOW - timedelta(seconds=1)) == 0
    assert "192.0.2.1" not in repr(ledger.raw("SELECT * FROM sign_in_guard"))


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 60 * 48), st.booleans()), max_size=40))
def test_whatever_is_tried_the_guards_stay_few_and_no_account_is_forgotten_within_a_day(made, tries):
    """`a` and `b` are accounts; the others nobody has."""
    with made.writing() as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempts, "STRANGERS_MAX", 2)
        connection.exec_driver_sql("DELETE FROM sign_in_guard")
        last: dict[str, datetime] = {}
        now = NOW
        for name, minutes, clears in tries:
            account, now = AccountId.parse(f"name.{name}"), now + timedelta(minutes=minutes)
            if clears:
                attempts.clear_failures(connection, account)
                last.pop(name, None)
            else:
                attempts.note_failure(connection, account, at=now)
                last[name] = now
        rows = {row[0] for row in connection.exec_driver_sql("SELECT account FROM sign_in_guard")}
        assert len({row for row in rows if row not in {"name.a", "name.b"}}) <= 2
        for name in {"a", "b"} & set(last):
            assert f"name.{name}" in rows or now - last[name] > attempts.FORGOTTEN_AFTER


@pytest.fixture(scope="module")
def made(database):
    """One store for every example, with two accounts."""
    opened = database.store()
    with opened.writing() as connection:
        for name in "ab":
            credentials.set_secret(connection, AccountId.parse(f"name.{name}"), "hash", set_at=NOW, must_change=False)
    yield opened
    database.drop(opened)


# --- sessions ---------------------------------------------------------------------------------------------------------
IDLE = timedelta(minutes=15)


@pytest.fixture
def session(store):
    with store.writing() as connection:
        return sessions.open_session(connection, NURSE, station="bed 4", now=NOW, lasts_at_most=timedelta(hours=8))


def find(store, token, now):
    with store.reading() as connection:
        return sessions.find_session(connection, token, now=now, idle_at_most=IDLE)


def test_session_is_found_by_its_token_only(store, session, ledger):
    token, opened = session
    assert find(store, token, NOW) == opened
    for wrong in ("", "x", token[:-1], token + "x", opened.token_digest):
        assert find(store, wrong, NOW) is None
    assert token not in repr(ledger.raw("SELECT * FROM session"))


@pytest.mark.parametrize(("later", "lives"), [(IDLE - timedelta(seconds=1), True), (IDLE, False), (timedelta(days=-1), True)])
def test_idle_session_ends(store, session, later, lives):
    assert (find(store, session[0], NOW + later) is not None) is lives


def test_session_in_use_lives_until_its_absolute_end(store, session):
    token, opened = session
    now = NOW
    while now < opened.ends_at - timedelta(minutes=10):
        now += timedelta(minutes=10)
        with store.writing() as connection:
            opened = sessions.seen(connection, opened, now=now)
        assert find(store, token, now) == opened
    assert find(store, token, opened.ends_at - timedelta(seconds=1)) is not None
    assert find(store, token, opened.ends_at) is None


def test_giving_the_secret_for_a_signature_begins_a_shift_at_its_place_only(store, session):
    _, opened = session
    with store.writing() as connection:
        _, elsewhere = sessions.open_session(connection, NURSE, station="phone", now=NOW, lasts_at_most=IDLE)
        assert sessions.secret_given_at(connection, opened) is None
        for minutes in (5, 7):
            sessions.secret_given(connection, opened, now=NOW + timedelta(minutes=minutes))
        assert sessions.secret_given_at(connection, opened) == NOW + timedelta(minutes=7)
        assert sessions.secret_given_at(connection, elsewhere) is None
        sessions.end_shifts(connection, NURSE)
        assert sessions.secret_given_at(connection, opened) is None


def test_shift_at_a_bench_outlives_the_sessions_there_and_ends_with_the_bench(store):
    other = AccountId.parse("other")
    with store.writing() as connection:
        _, bench = sessions.open_bench(connection, other, station="bench 1", now=NOW, lasts_at_most=timedelta(hours=12))
        at_bench = {"station": "ignored", "now": NOW, "lasts_at_most": timedelta(hours=12), "bench": bench}
        token, first = sessions.open_session(connection, NURSE, **at_bench)
        assert first.station == "bench 1"
        sessions.secret_given(connection, first, now=NOW)
        sessions.revoke(connection, first, at=NOW)
        sessions.forget_ended(connection, now=NOW)
        token, again = sessions.open_session(connection, NURSE, opened_with=SecretKind.PIN, **at_bench)
        _, hers = sessions.open_session(connection, other, **at_bench)
        assert sessions.secret_given_at(connection, again) == NOW
        assert sessions.secret_given_at(connection, hers) is None
        sessions.close_bench(connection, bench, at=NOW)
        assert sessions.secret_given_at(connection, again) is None
        assert sessions.find_session(connection, token, now=NOW, idle_at_most=IDLE) is None


def test_bench_is_found_by_its_token_until_it_ends_or_is_closed(store, ledger):
    lasts = timedelta(hours=12)
    with store.writing() as connection:
        token, bench = sessions.open_bench(connection, NURSE, station="bench 1", now=NOW, lasts_at_most=lasts)
        assert sessions.find_bench(connection, token, now=NOW) == bench
        assert sessions.find_bench(connection, token, now=NOW + lasts - timedelta(microseconds=1)) == bench
        assert sessions.find_bench(connection, token, now=NOW + lasts) is None
        assert sessions.find_bench(connection, bench.token_digest, now=NOW) is None
        _, late = sessions.open_session(
            connection, NURSE, station="", now=NOW + timedelta(hours=11), lasts_at_most=lasts, opened_with=SecretKind.PIN, bench=bench
        )
        assert late.ends_at == bench.ends_at
        sessions.close_bench(connection, bench, at=NOW)
        assert sessions.find_bench(connection, token, now=NOW) is None
    assert token not in repr(ledger.raw("SELECT * FROM bench"))


def test_device_is_known_while_its_session_sleeps_and_lets_nobody_in(store, session):
    token, opened = session
    with store.writing() as connection:
        known = partial(sessions.known_device, connection, token)
        assert find(store, token, NOW + IDLE) is None
        assert known(now=NOW + IDLE) == opened
        assert known(now=opened.ends_at) is None
        sessions.revoke(connection, opened, at=NOW)
        assert known(now=NOW) is None


def test_revoked_session_is_over(store, session):
    with store.writing() as connection:
        sessions.revoke(connection, session[1], at=NOW)
    assert find(store, session[0], NOW) is None


def test_all_sessions_of_one_account_are_revoked_at_once(store, session):
    with store.writing() as connection:
        other, _ = sessions.open_session(connection, AccountId.parse("other"), station="", now=NOW, lasts_at_most=IDLE)
        sessions.open_session(connection, NURSE, station="phone", now=NOW, lasts_at_most=IDLE)
        assert sessions.revoke_all(connection, NURSE, at=NOW) == 2
        assert sessions.revoke_all(connection, NURSE, at=NOW) == 0
    assert find(store, session[0], NOW) is None
    assert find(store, other, NOW) is not None


def test_what_has_ended_is_forgotten_and_what_lives_is_kept(store, session, ledger):
    with store.writing() as connection:
        long_ago = NOW - timedelta(days=1)
        sessions.open_session(connection, NURSE, station="", now=long_ago, lasts_at_most=IDLE)
        _, left = sessions.open_session(connection, NURSE, station="", now=NOW, lasts_at_most=IDLE)
        sessions.secret_given(connection, left, now=NOW)
        sessions.revoke(connection, left, at=NOW)
        sessions.open_bench(connection, NURSE, station="old", now=long_ago, lasts_at_most=IDLE)
        _, bench = sessions.open_bench(connection, NURSE, station="new", now=NOW, lasts_at_most=IDLE)
        sessions.secret_given(connection, session[1], now=NOW)
        sessions.forget_ended(connection, now=NOW)
    assert find(store, session[0], NOW) is not None
    assert ledger.raw("SELECT token_digest FROM session") == [(session[1].token_digest,)]
    assert ledger.raw("SELECT token_digest FROM bench") == [(bench.token_digest,)]
    assert ledger.raw("SELECT place FROM shift") == [(session[1].token_digest,)]


# --- identities -------------------------------------------------------------------------------------------------------
@pytest.fixture
def keys(tmp_path):
    return keys_in(tmp_path / "keys")


def view(connection, keys, person=DONOR, field=IdentityField.NAME):
    return view_identity(connection, person, field, account=NURSE, reason="bedside", viewed_at=NOW, keys=keys)


def test_identity_comes_back_and_the_view_is_logged(store, keys):
    with store.writing() as connection:
        keep_identity(connection, DONOR, IdentityField.NAME, " 王小明 ", written_at=NOW, keys=keys)
        keep_identity(connection, DONOR, IdentityField.NAME, "王小敏", written_at=NOW, keys=keys)
        assert view(connection, keys) == "王小敏"
        assert views_of(connection, DONOR) == (
            identities.View(subject="donor:D-1", field=IdentityField.NAME, account=NURSE, reason="bedside", viewed_at=NOW),
        )
        assert views_of(connection, ParticipantId.parse("D-1")) == ()
    assert "王小敏".encode() not in bytes_of(store)


def test_identity_that_was_never_kept_is_not_found_and_no_view_is_logged(store, keys):
    with store.writing() as connection:
        with pytest.raises(NotFoundError, match="no hospital number is kept for this donor"):
            view(connection, keys, field=IdentityField.HOSPITAL_NUMBER)
        assert views_of(connection, DONOR) == ()


@pytest.mark.parametrize("text", ["", "   ", "x" * 401])
def test_identity_of_no_use_is_refused(store, keys, text):
    with store.writing() as connection, pytest.raises(InputError, match="1 to 400 characters"):
        keep_identity(connection, DONOR, IdentityField.NAME, text, written_at=NOW, keys=keys)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE identity SET subject = 'donor:D-1' WHERE subject = 'donor:D-2'",
        "UPDATE identity SET subject = 'donor:D-1', field = 'name' WHERE field = 'birth_date'",
        "UPDATE identity SET subject = 'donor:D-1', sealed = substr(sealed, 1, 20) WHERE subject = 'donor:D-2'",
        "UPDATE identity SET subject = 'donor:D-1', sealed = x'00000009' WHERE subject = 'donor:D-2'",
        "UPDATE identity SET subject = 'donor:D-1', sealed = x'' WHERE subject = 'donor:D-2'",
    ],
)
def test_sealed_field_that_was_moved_or_changed_is_refused(store, ledger, keys, edit):
    other = DonorId.parse("D-2")
    with store.writing() as connection:
        field = IdentityField.BIRTH_DATE if "birth_date" in edit else IdentityField.NAME
        keep_identity(connection, other, field, "somebody else", written_at=NOW, keys=keys)
    ledger.edit(edit)
    with store.writing() as connection, pytest.raises(LedgerBrokenError, match=r"not what was kept|identity key"):
        view(connection, keys)


def test_commitments_are_equal_for_equal_text_and_apart_for_anything_else(keys, tmp_path):
    one = commitment("hospital_number", "H-123", keys=keys)
    assert one == commitment("hospital_number", " h-123", keys=keys) == commitment("hospital_number", "Ｈ-123", keys=keys)
    assert one not in {
        commitment("hospital_number", "H-124", keys=keys),
        commitment("wristband", "H-123", keys=keys),
        commitment("hospital_number", "H-123", keys=keys_in(tmp_path / "other")),
    }
    with pytest.raises(InputError, match="identifies nobody"):
        commitment("wristband", "  ", keys=keys)


def test_keys_are_made_once_and_readable_by_their_owner_only(tmp_path):
    folder = tmp_path / "made" / "keys"
    assert keys_in(folder) == keys_in(folder)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_lost_or_damaged_key_is_an_error_and_never_replaced(tmp_path):
    keys_in(tmp_path)
    key = tmp_path / "commitment.key"
    kept = key.read_text()
    key.write_text(kept[:20])
    with pytest.raises(InputError, match="holds no key"):
        keys_in(tmp_path)
    key.unlink()
    with pytest.raises(InputError, match="cannot be used"):
        keys_in(tmp_path)
    key.write_text(kept)
    (tmp_path / "identity-0001.key").unlink()
    with pytest.raises(InputError, match="no identity key"):
        keys_in(tmp_path)


def test_later_key_seals_new_text_and_the_earlier_still_opens_the_old(store, tmp_path):
    first = keys_in(tmp_path)
    with store.writing() as connection:
        keep_identity(connection, DONOR, IdentityField.NAME, "old", written_at=NOW, keys=first)
    (tmp_path / "identity-0002.key").write_text("ab" * 32 + "\n")
    both = keys_in(tmp_path)
    with store.writing() as connection:
        assert view(connection, both) == "old"
        keep_identity(connection, DONOR, IdentityField.NAME, "new", written_at=NOW, keys=both)
        assert view(connection, both) == "new"
        with pytest.raises(LedgerBrokenError, match="identity key 2 is missing"):
            view(connection, first)


def test_keys_come_from_the_folder_that_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_DIR, raising=False)
    with pytest.raises(InputError, match=f"set {KEY_DIR}"):
        commitment("wristband", "W1")
    monkeypatch.setenv(KEY_DIR, str(tmp_path))
    assert commitment("wristband", "W1") == commitment("wristband", "W1", keys=keys_in(tmp_path))
