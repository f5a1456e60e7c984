"""A reset by an administrator who never learns the new secret: what the code opens, what it does not, and what stays on record."""

from __future__ import annotations

from datetime import timedelta

import pytest

from custody.domain.acts.people import SecretResetIssued, SecretSet, SignInRefused
from custody.domain.dossier import pending_proposals
from custody.domain.ids import AccountId
from custody.errors import InputError, NotPermittedError
from custody.store.verification import verify
from custody.workflows import recording, resets
from custody.workflows.order import proposed_act
from custody.workflows.outcome import proposal_digest
from custody.workflows.own_account import events_of, was_reset_since_last_choice
from custody.workflows.people import SignInRefusal
from custody.workflows.rehearsal.road import ADMIN, QA
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.resets import TICKET_LIVES
from custody.workflows.signer import Signer
from tests.databases import edit, raw
from tests.workflows.desk import account
from tests.workflows.door import NURSE, PIN, SECRET, WRONG, door, weak_secrets

__all__ = ["door", "weak_secrets"]
CHOSEN = "chosen with the code"
JUST_BEFORE = timedelta(microseconds=1)


@pytest.fixture
def issued(door):
    """A reset that a witness has signed."""
    made = door.issue()
    assert door.witness().kind == "recorded"
    return made


def test_owner_chooses_with_the_code_and_signs_in_with_their_own_secret(door, issued):
    assert door.use(issued.code, CHOSEN) is None
    assert not isinstance(door.sign_in(CHOSEN, after=timedelta(minutes=2)), SignInRefusal)
    token, _ = door.sign_in(CHOSEN, after=timedelta(minutes=2))
    assert not door.present(token, timedelta(minutes=3)).must_change_secret


def test_p11_200a_administrator_alone_cannot_use_a_reset(door):
    """Until a second person has signed, the right code does nothing, and is not counted as a wrong one."""
    made = door.issue()
    assert door.use(made.code).code == "reset_not_witnessed"
    assert door.kept(SignInRefused) == []
    assert not isinstance(door.sign_in(), SignInRefusal), "the old secret stands until then"
    door.witness()
    assert door.use(made.code) is None


@pytest.mark.parametrize(("name", "refusal"), [(ADMIN, "may not do this"), ("demo-monitor-one", "may not do this")])
def test_witness_is_no_administrator_and_nobody_who_only_reads(door, name, refusal):
    door.issue()
    entry, _ = pending_proposals(door.desk.entries(AccountId(NURSE)))[-1]
    act, person = proposed_act(entry), people()[name]
    signer = Signer(account=person.account, role=person.roles[0], site=person.site, study=STUDY, method="secret")
    with door.store.writing() as connection, pytest.raises(NotPermittedError, match=refusal):
        recording.countersign(connection, act.subject, proposal_digest(act), signer, door.now)


def test_p11_300_reset_ends_sessions_secret_and_pin_at_once(door):
    token, _ = door.sign_in()
    present = door.present(token)
    door.choose_pin(present)
    bench = door.open_bench(present)
    assert not isinstance(door.change(bench, NURSE.upper()), SignInRefusal)
    door.issue(after=timedelta(seconds=1))
    assert door.present(token, timedelta(seconds=2)) is None
    door.witness(after=timedelta(seconds=3))
    assert door.sign_in(after=timedelta(seconds=4)).code == "sign_in_failed"
    assert door.change(bench, NURSE.upper(), after=timedelta(seconds=5)).code == "sign_in_failed"


def test_session_opened_before_the_witness_signed_signs_nothing_afterwards_and_ends_with_the_choice(door):
    made = door.issue()
    token, _ = door.sign_in()
    door.witness()
    assert door.sign(door.present(token), SECRET, timedelta(seconds=5)).code == "sign_in_failed"
    assert door.use(made.code) is None
    assert door.present(token, timedelta(minutes=2)) is None


def test_code_counts_once(door, issued):
    assert door.use(issued.code) is None
    assert door.use(issued.code, "another secret of mine").code == "sign_in_failed"
    assert door.sign_in("another secret of mine", after=timedelta(minutes=3)).code == "sign_in_failed"


@pytest.mark.parametrize(("after", "counts"), [(TICKET_LIVES - JUST_BEFORE, True), (TICKET_LIVES, False)])
def test_code_counts_for_an_hour(door, issued, after, counts):
    answer = door.use(issued.code, after=after)
    assert (answer is None) is counts
    assert counts or answer.code == "sign_in_failed"


@pytest.mark.parametrize(("after", "in_effect"), [(TICKET_LIVES - JUST_BEFORE, True), (TICKET_LIVES, False)])
def test_reset_witnessed_too_late_takes_nothing_away(door, after, in_effect):
    door.issue()
    door.witness(after=after)
    assert isinstance(door.sign_in(after=after), SignInRefusal) is in_effect


def test_later_code_takes_the_place_of_the_earlier(door, issued):
    later = door.issue(after=timedelta(minutes=1))
    door.witness(after=timedelta(minutes=2))
    assert door.use(issued.code, after=timedelta(minutes=3)).code == "sign_in_failed"
    assert door.use(later.code, after=timedelta(minutes=4)) is None


def test_code_is_read_as_people_write_it(door, issued):
    written = issued.code.lower().replace("-", " - ").replace("0", "o").replace("1", "l")
    assert door.use(written) is None


def test_code_opens_no_session_and_is_no_secret(door, issued):
    for given in (issued.code, issued.code.replace("-", "")):
        assert door.sign_in(given).code == "sign_in_failed"
    with door.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM session WHERE revoked_at IS NULL").scalar()
    assert door.use(issued.code) is None
    with door.store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM session WHERE revoked_at IS NULL").scalar() == rows


def test_code_and_secret_are_nowhere_in_the_store(door, issued):
    door.use(issued.code, CHOSEN)
    door.store.close()
    content = door.desk.on_the_disk()
    for secret in (issued.code, issued.code.replace("-", ""), CHOSEN):
        assert secret.encode() not in content


def test_fifth_wrong_code_locks_the_account_and_the_right_one_waits(door, issued):
    codes = [door.use("WRONG-CODE0").code for _ in range(5)]
    assert codes == ["sign_in_failed"] * 4 + ["locked_out"]
    assert door.use(issued.code).code == "locked_out"
    assert {entry.act.reason for entry in door.kept(SignInRefused)} == {"wrong reset code"}
    assert door.use(issued.code, after=timedelta(minutes=1) + door.config.lockout_for) is None


def test_wrong_codes_and_wrong_secrets_count_together(door, issued):
    for _ in range(4):
        door.sign_in(WRONG)
    assert door.use("WRONG-CODE0", after=timedelta()).code == "locked_out"


def test_wrong_account_and_wrong_code_answer_alike(door, issued):
    answers = {name: door.use("WRONG-CODE0", name=name) for name in (NURSE, "nobody-here", "demo-qp-one", "?!")}
    assert set(answers.values()) == {SignInRefusal(code="sign_in_failed")}


def test_secret_that_does_not_do_leaves_the_code_good(door, issued):
    with pytest.raises(InputError, match="a secret has 10 to 200 characters"):
        door.use(issued.code, "short")
    assert door.kept(SignInRefused) == []
    assert door.use(issued.code) is None


def test_nobody_resets_themselves(door):
    with pytest.raises(NotPermittedError, match="ask another administrator"):
        door.issue(name=ADMIN)


@pytest.mark.parametrize(("identity", "reason", "field"), [(" ", "forgotten", "identity_verified_by"), ("card seen", " ", "reason")])
def test_reset_without_identity_or_reason_is_refused_and_ends_nothing(door, identity, reason, field):
    token, _ = door.sign_in()
    with pytest.raises(InputError) as refused:
        door.issue(identity=identity, reason=reason)
    assert refused.value.field == field
    assert door.present(token) is not None


def test_ticket_row_changed_behind_the_application_counts_for_nothing(door, issued):
    """The entry of the reset holds the digest of the row."""
    mine = resets.credentials.hash_secret("0000000000", weak=True)
    edit(door.store, "UPDATE reset_ticket SET code_hash = ?", parameters=(mine,))
    answer = door.use("00000-00000")
    assert answer is not None
    assert answer.code == "reset_not_witnessed", "the row is of no reset that anybody signed"


def test_secret_row_put_in_behind_the_application_opens_nothing(door):
    """What counts is what its entry speaks of; verification names it as well."""
    mine = resets.credentials.hash_secret("mine, all mine", weak=True)
    row = (NURSE, 99, "secret", mine, "2026-01-01T00:00:00.000000+00:00", 0)
    raw(door.store, "INSERT INTO credential VALUES (?, ?, ?, ?, ?, ?)", row)
    assert door.sign_in("mine, all mine").code == "sign_in_failed"


def test_entries_name_administrator_witness_identity_and_use(door, issued):
    door.use(issued.code)
    (deed,) = door.desk.deeds(account(NURSE), SecretResetIssued)
    assert [signer.account.value for signer in deed.signers] == [ADMIN, QA]
    assert [signer.meaning.value for signer in deed.signers] == ["performed", "witnessed"]
    assert (deed.act.identity_verified_by, deed.act.reason) == ("staff card seen", "forgotten")
    chosen = door.kept(SecretSet)[-1]
    assert (chosen.act.reset, chosen.act.by_owner, chosen.by.account) == (deed.act.ticket, True, account(NURSE))
    with door.store.reading() as connection:
        assert verify(connection, checkpoint=None).faults == ()


def test_owner_sees_the_reset_until_they_choose_again(door, issued):
    door.use(issued.code, CHOSEN)

    def seen():
        with door.store.reading() as connection:
            return was_reset_since_last_choice(events_of(connection, AccountId(NURSE), door.now + timedelta(hours=2)))

    assert [signer.account.value for signer in seen().signers] == [ADMIN, QA]
    door.now += timedelta(hours=2)
    door.choose("yet another of her own")
    assert seen() is None


def test_waiting_reset_is_shown_to_the_owner_as_waiting(door):
    door.issue()
    with door.store.reading() as connection:
        events = events_of(connection, AccountId(NURSE), door.now)
        assert [event.act.rule.name for event in events if event.waits] == ["secret_reset_issued"]
        assert not [event for event in events_of(connection, AccountId(NURSE), door.now + TICKET_LIVES) if event.waits]


def test_pin_of_before_the_reset_stays_dead_after_it(door):
    token, _ = door.sign_in()
    present = door.present(token)
    door.choose_pin(present)
    bench = door.open_bench(present)
    made = door.issue()
    door.witness()
    door.use(made.code, CHOSEN)
    assert door.change(bench, NURSE.upper(), PIN, timedelta(minutes=2)).code == "sign_in_failed"
