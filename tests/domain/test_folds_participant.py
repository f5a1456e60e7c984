"""What the acts about one participant add up to."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts import allocation
from custody.domain.acts.codec import body_of
from custody.domain.folds.base import MissingFact
from custody.domain.folds.participant import ParticipantFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import ParticipantId
from custody.workflows.rehearsal.steps import STUDY

NURSES = ("demo-nurse-one", "demo-nurse-two")


def fold(chain, participant=None):
    who = participant or chain.cast.participant
    dossier = chain.played().dossier(who, STUDY)
    return ParticipantFold(dossier, who, StudyFold(dossier, STUDY))


def test_participant_of_the_valid_chain(chain):
    person = fold(chain)
    assert person.consent.act.form_version == "P-1.2"
    assert person.left is None
    assert person.wristband.act == chain.step("wristband_issued").act
    assert person.doses_requested == (chain.cast.dose,)
    assert [d.act.dose for d in person.doses_started] == [chain.cast.dose]
    assert person.doses_closed == (chain.cast.dose,)


@pytest.mark.parametrize("fact", ["consent", "eligibility", "wristband"])
def test_unknown_participant_has_no_facts(chain, fact):
    nobody = fold(chain, ParticipantId("P-0099"))
    with pytest.raises(MissingFact, match=fact):
        getattr(nobody, fact)


def test_weight_of_an_unknown_participant_is_missing(chain):
    with pytest.raises(MissingFact, match="weight"):
        fold(chain, ParticipantId("P-0099")).weight_known_at()


def test_weight_known_at_a_moment_is_the_last_one_recorded_until_then(chain):
    first = chain.step("weight_measured")
    later = dataclasses.replace(first.act, weight_kg=Decimal("128.4"))
    chain.add(later, before="dose_allocated", by=NURSES, minutes=5)
    person = fold(chain)
    at = chain.step("dose_allocated").at - timedelta(minutes=5)
    assert person.weight_known_at().act == later
    assert person.weight_known_at(at).act == later
    assert person.weight_known_at(at - timedelta(seconds=1)).act == first.act
    with pytest.raises(MissingFact, match="weight"):
        person.weight_known_at(first.at - timedelta(seconds=1))


def test_leaving_is_final(chain):
    left = allocation.ParticipantLeft(participant=chain.cast.participant, reason="withdrawn", left_at=chain.step("dose_closed").at)
    chain.add(left, before="dose_closed", by="demo-physician-one", minutes=2)
    chain.add(chain.step("participant_consented").act, before="dose_closed", by="demo-physician-one", minutes=1)
    assert fold(chain).left.act == left


class TestRepeatedAlike:
    def weighing(self, chain):
        return fold(chain).weights[0]

    def test_two_people_who_read_the_same_agree(self, chain):
        assert self.weighing(chain).is_repeated_alike

    def test_only_what_is_scanned_has_to_be_repeated(self, chain):
        deed = self.weighing(chain)
        answers = {name: value for name, value in body_of(deed.act).items() if name != "participant"}
        assert dataclasses.replace(deed, second_answers=json.dumps(answers)).is_repeated_alike

    @pytest.mark.parametrize("field", ["weight_kg", "height_cm", "sex"])
    def test_answer_left_out_is_no_agreement(self, chain, field):
        deed = self.weighing(chain)
        answers = {name: value for name, value in body_of(deed.act).items() if name != field}
        assert not dataclasses.replace(deed, second_answers=json.dumps(answers)).is_repeated_alike

    @pytest.mark.parametrize("answers", ["", "{}", "[]", "3", "null", "not json", '{"weight_kg": "heavy"}', '{"colour": "blue"}'])
    def test_unreadable_answers_are_no_agreement(self, chain, answers):
        assert not dataclasses.replace(self.weighing(chain), second_answers=answers).is_repeated_alike

    def test_one_person_twice_is_no_agreement(self, chain):
        deed = self.weighing(chain)
        assert not dataclasses.replace(deed, signers=(deed.signers[0], deed.signers[0])).is_repeated_alike

    def test_correction_signed_by_two_stands(self, chain):
        deed = self.weighing(chain)
        assert dataclasses.replace(deed, corrected=True, second_answers="").is_repeated_alike
        assert not dataclasses.replace(deed, corrected=True, signers=deed.signers[:1]).is_repeated_alike
