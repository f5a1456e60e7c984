"""Acts of several people: a proposal waits, is signed, withdrawn or runs out; until its last signature it has no effect."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.allocation import WeightMeasured
from custody.domain.acts.record import ProposalWithdrawn, Proposed
from custody.domain.duties import AccountFold
from custody.domain.terms import Role
from custody.errors import InputError, LedgerBrokenError, NotPermittedError, RepeatedKeyError, StaleError
from custody.store import lookups
from custody.workflows import recording
from custody.workflows.drill.roads import CAST, START, road
from custody.workflows.job import PROPOSAL_WAITS
from custody.workflows.outcome import proposal_digest
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.editing import step_of
from custody.workflows.rehearsal.steps import people
from tests.databases import edit
from tests.workflows.desk import BEDSIDE, ENROLLED, account

pytestmark = pytest.mark.on_both

WEIGHED = step_of(road(), "weight_measured").act
PHYSICIAN = "demo-physician-one"


@pytest.fixture
def desk(desk_at):
    desk = desk_at(ENROLLED)
    desk.now = desk.last_at() + timedelta(minutes=1)
    return desk


def waiting(desk):
    with desk.store.reading() as connection:
        return [(item.stream, item.act, item.signers) for item in lookups.waiting(connection)]


def test_proposal_has_no_effect_and_waits_for_the_next_person(desk):
    outcome = desk.record(WEIGHED, NURSES[0], desk.now)
    assert (outcome.kind, outcome.proposal) == ("waiting", proposal_digest(WEIGHED))
    assert not desk.deeds(CAST.participant, WeightMeasured)
    assert waiting(desk) == [(CAST.participant.key, "weight_measured", 1)]


def test_last_signature_puts_it_in_effect_with_both_people(desk):
    desk.both(WEIGHED, *NURSES, desk.now)
    (deed,) = desk.deeds(CAST.participant, WeightMeasured)
    assert deed.act == WEIGHED
    assert [signer.account for signer in deed.signers] == [account(nurse) for nurse in NURSES]
    assert deed.at == desk.now
    assert waiting(desk) == []


def test_same_proposal_waits_once(desk):
    desk.record(WEIGHED, NURSES[0], desk.now)
    with pytest.raises(StaleError, match="is waiting already"):
        desk.record(WEIGHED, NURSES[1], desk.now)


def test_proposal_runs_out_at_its_hour_and_can_be_made_anew(desk):
    desk.record(WEIGHED, NURSES[0], desk.now)
    expires = desk.entries(CAST.participant)[-1].act.expires_at
    assert expires == desk.now + PROPOSAL_WAITS
    with pytest.raises(StaleError, match="has expired; begin again"):
        desk.countersign(WEIGHED, NURSES[1], expires, answers=WEIGHED)
    again = desk.record(WEIGHED, NURSES[1], expires)
    assert again.kind == "waiting"
    assert waiting(desk) == [(CAST.participant.key, "weight_measured", 1)]
    # Whoever signed the one that ran out has not signed this one.
    desk.countersign(WEIGHED, NURSES[0], expires + timedelta(seconds=1), answers=WEIGHED)
    (deed,) = desk.deeds(CAST.participant, WeightMeasured)
    assert [signer.account for signer in deed.signers] == [account(nurse) for nurse in reversed(NURSES)]


def test_last_moment_before_it_runs_out_counts(desk):
    desk.record(WEIGHED, NURSES[0], desk.now)
    at = desk.now + PROPOSAL_WAITS - timedelta(microseconds=1)
    assert desk.countersign(WEIGHED, NURSES[1], at, answers=WEIGHED).kind == "recorded"


def test_signed_proposal_waits_no_more(desk):
    desk.both(WEIGHED, *NURSES, desk.now)
    with pytest.raises(StaleError, match="no longer waiting"):
        desk.countersign(WEIGHED, NURSES[1], desk.now + timedelta(seconds=2), answers=WEIGHED)


def test_withdrawal_keeps_who_and_why_and_is_not_signed(desk):
    desk.record(WEIGHED, NURSES[0], desk.now)
    outcome = desk.withdraw(WEIGHED, NURSES[1], "the scale was not at zero", desk.now, method=None)
    entry = desk.entries(CAST.participant)[-1]
    assert isinstance(entry.act, ProposalWithdrawn)
    assert (entry.digest, entry.act.reason) == (outcome.entry, "the scale was not at zero")
    assert (entry.by.person, entry.by.meaning) == (people()[NURSES[1]].person, None)
    assert desk.envelope(entry.digest)["signature"] is None
    assert waiting(desk) == []
    with pytest.raises(StaleError, match="no longer waiting"):
        desk.countersign(WEIGHED, NURSES[1], desk.now, answers=WEIGHED)


def test_withdrawal_needs_a_reason_and_a_role_of_the_first_signature(desk):
    desk.record(WEIGHED, NURSES[0], desk.now)
    with pytest.raises(InputError, match="write the reason"):
        desk.withdraw(WEIGHED, NURSES[0], " ", desk.now)
    receiver = people()["demo-receiver-one"]
    with pytest.raises(NotPermittedError, match="may not do this"):
        desk.withdraw(WEIGHED, NURSES[0], "not mine", desk.now, account=receiver.account, role=Role.HOSPITAL_RECEIVER, site=receiver.site)


def test_withdrawn_proposal_can_be_made_again(desk):
    desk.record(WEIGHED, NURSES[0], desk.now)
    desk.withdraw(WEIGHED, NURSES[0], "a mistake", desk.now)
    assert desk.record(WEIGHED, NURSES[0], desk.now).kind == "waiting"


def test_withdrawal_sent_twice_is_answered_once(desk):
    desk.record(WEIGHED, NURSES[0], desk.now)
    first = desk.withdraw(WEIGHED, NURSES[0], "a mistake", desk.now, key="K1")
    size = desk.size()
    again = desk.withdraw(WEIGHED, NURSES[0], "a mistake", desk.now + timedelta(seconds=5), key="K1")
    assert (again.entry, again.again, again.answered_at) == (first.entry, True, desk.now)
    assert desk.size() == size
    with pytest.raises(RepeatedKeyError, match="for another request"):
        desk.withdraw(WEIGHED, NURSES[0], "another reason", desk.now, key="K1")


def test_withdrawing_leaves_the_key_to_what_takes_its_place(desk):
    """At the bed an older start is taken back and the new one signed in one request."""
    desk.record(WEIGHED, NURSES[0], desk.now)
    desk.withdraw(WEIGHED, NURSES[0], "measured again", desk.now, key="K1")
    again = replace(WEIGHED, weight_kg=WEIGHED.weight_kg + 1)
    assert desk.record(again, NURSES[0], desk.now, key="K1").kind == "waiting"


def test_second_role_is_asked_of_the_second_person(desk_at):
    desk = desk_at(BEDSIDE)
    started = step_of(road(), "infusion_started").act
    desk.record(started, NURSES[0], START)
    preparer = people()["demo-preparer-one"]
    with pytest.raises(NotPermittedError, match="may not do this"):
        desk.countersign(started, NURSES[1], START, answers=started, account=preparer.account, role=Role.PREPARER, site=preparer.site)


def test_account_disabled_while_it_waits_has_signed_all_the_same(desk):
    """Scenario 23 rests on it: the first account is disabled, and the person comes back with another."""
    from custody.domain.acts.people import AccountDisabled
    from custody.workflows.rehearsal.road import ADMIN

    desk.record(WEIGHED, NURSES[0], desk.now)
    desk.record(AccountDisabled(account=account(NURSES[0]), reason="left"), ADMIN, desk.now)
    with desk.store.reading() as connection:
        _, signed = recording.find_proposal(connection, CAST.participant, proposal_digest(WEIGHED))
    assert [signer.account for signer in signed] == [account(NURSES[0])]
    assert AccountFold(desk.dossier(account(NURSES[0])), account(NURSES[0])).is_disabled


def test_p11_70_proposal_changed_behind_the_application_is_not_signed(desk, monkeypatch):
    monkeypatch.setattr("custody.store.watch.READ_AGAIN_AFTER_S", 0.0)
    desk.record(WEIGHED, NURSES[0], desk.now)
    desk.store.close()
    edit(
        desk.store,
        "UPDATE entry SET envelope = replace(envelope, '130', '131') WHERE act = 'proposed' AND stream = ?",
        parameters=(CAST.participant.key,),
    )
    with pytest.raises(LedgerBrokenError, match="its text is not what was recorded"):
        desk.countersign(WEIGHED, NURSES[1], desk.now, answers=WEIGHED)


def test_proposal_is_kept_for_ever_even_when_it_comes_to_nothing(desk):
    desk.record(WEIGHED, NURSES[0], desk.now)
    desk.withdraw(WEIGHED, NURSES[0], "a mistake", desk.now)
    assert [type(entry.act) for entry in desk.entries(CAST.participant)][-2:] == [Proposed, ProposalWithdrawn]


def test_physician_alone_needs_no_second(desk):
    consented = step_of(road(), "participant_consented").act
    assert desk.record(consented, PHYSICIAN, desk.now).kind == "recorded"
