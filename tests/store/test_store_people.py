"""People beside the ledger: credentials, sessions, identities and their keys."""

from __future__ import annotations

import stat
from datetime import timedelta

import pytest

from custody.domain.ids import AccountId, DonorId, ParticipantId
from custody.errors import InputError, LedgerBrokenError, NotFoundError
from custody.store import credentials, identities, sessions
from custody.store.facts import mark_demonstration
from custody.store.identities import IdentityField, commitment, keep_identity, view_identity, views_of
from custody.store.keys import KEY_DIR, keys_in
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


def test_failures_are_counted_until_cleared(store):
    until = NOW + timedelta(minutes=15)
    with store.writing() as connection:
        assert credentials.guard_of(connection, NURSE).failures == 0
        credentials.note_failure(connection, NURSE, at=NOW)
        guard = credentials.note_failure(connection, NURSE, at=NOW, locked_until=until)
        assert guard == credentials.guard_of(connection, NURSE)
        assert (guard.failures, guard.locked_until, guard.last_failure_at) == (2, until, NOW)
        credentials.clear_failures(connection, NURSE)
        assert credentials.guard_of(connection, NURSE) == credentials.Guard(failures=0, last_failure_at=None, locked_until=None)


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


def test_giving_the_secret_again_is_remembered(store, session):
    token, opened = session
    with store.writing() as connection:
        sessions.secret_given(connection, opened, now=NOW + timedelta(minutes=5))
    assert find(store, token, NOW + timedelta(minutes=6)).secret_given_at == NOW + timedelta(minutes=5)


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


def test_ended_sessions_are_forgotten_and_living_ones_kept(store, session):
    with store.writing() as connection:
        sessions.open_session(connection, NURSE, station="", now=NOW - timedelta(days=1), lasts_at_most=IDLE)
        assert sessions.forget_ended(connection, now=NOW) == 1
    assert find(store, session[0], NOW) is not None


# --- identities -------------------------------------------------------------------------------------------------------
@pytest.fixture
def keys(tmp_path):
    return keys_in(tmp_path / "keys")


def view(connection, keys, person=DONOR, field=IdentityField.NAME):
    return view_identity(connection, person, field, account=NURSE, reason="bedside", viewed_at=NOW, keys=keys)


def test_identity_comes_back_and_the_view_is_logged(store, keys, ledger):
    with store.writing() as connection:
        keep_identity(connection, DONOR, IdentityField.NAME, " 王小明 ", written_at=NOW, keys=keys)
        keep_identity(connection, DONOR, IdentityField.NAME, "王小敏", written_at=NOW, keys=keys)
        assert view(connection, keys) == "王小敏"
        assert views_of(connection, DONOR) == (
            identities.View(subject="donor:D-1", field=IdentityField.NAME, account=NURSE, reason="bedside", viewed_at=NOW),
        )
        assert views_of(connection, ParticipantId.parse("D-1")) == ()
    for page in (store.path, store.path.with_name("custody.db-wal")):
        assert "王小敏".encode() not in page.read_bytes()


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
