"""The donation fold: which consent counts, whether a withdrawal reaches it, and what stands of an eligibility."""

import dataclasses
from datetime import timedelta

import pytest

from custody.domain.acts.donation import ConsentWithdrawn, EligibilityDetermined, EligibilityRefused
from custody.domain.folds.base import MissingFact
from custody.domain.folds.donation import DonationFold
from custody.domain.folds.study import StudyFold
from custody.workflows.rehearsal.steps import STUDY

COORDINATOR, QA, QP = "demo-coordinator-one", "demo-qa-one", "demo-qp-one"


def fold_of(chain) -> DonationFold:
    dossier = chain.played().dossier(chain.cast.donation, STUDY)
    return DonationFold(dossier, chain.cast.donation, StudyFold(dossier, STUDY))


def consent(chain, minutes_after_birth, form_version):
    first = chain.step("consent_signed").act
    signed_at = chain.step("cord_collected").act.delivered_at + timedelta(minutes=minutes_after_birth)
    return dataclasses.replace(first, signed_at=signed_at, form_version=form_version)


def test_a_valid_donation_has_a_consent_and_a_standing_eligibility(chain):
    fold = fold_of(chain)
    assert fold.donor == chain.cast.donor
    assert fold.consent.act.form_version == "D-2.0"
    assert fold.consent_withdrawn is None
    assert isinstance(fold.eligibility.act, EligibilityDetermined)
    assert fold.eligibility_refused is None


def test_the_last_consent_before_the_delivery_counts(chain):
    chain.add(consent(chain, -60, "D-2.1"), before="donor_sampled", by=COORDINATOR, minutes=2)
    chain.add(consent(chain, 60, "D-2.2"), before="donor_sampled", by=COORDINATOR, minutes=1)
    assert fold_of(chain).consent.act.form_version == "D-2.1"


def test_where_all_consents_came_late_the_last_one_is_shown(chain):
    late = consent(chain, 0, "D-3.0")
    chain.drop("consent_signed")
    chain.add(late, before="donor_sampled", by=COORDINATOR)
    assert fold_of(chain).consent.act.form_version == "D-3.0"


def test_a_withdrawal_reaches_the_consents_before_it_and_not_those_after(chain):
    first = chain.step("consent_signed").act.signed_at
    withdrawal = ConsentWithdrawn(donor=chain.cast.donor, withdrawn_at=first + timedelta(minutes=1))
    chain.add(withdrawal, before="cord_collected", by=COORDINATOR, minutes=30)
    assert fold_of(chain).consent_withdrawn.act == withdrawal
    chain.add(consent(chain, -5, "D-2.0"), before="cord_collected", by=COORDINATOR, minutes=10)
    assert fold_of(chain).consent_withdrawn is None


def test_a_later_consent_does_not_take_back_a_withdrawal(chain):
    withdrawal = ConsentWithdrawn(donor=chain.cast.donor, withdrawn_at=chain.step("donor_sampled").at)
    chain.add(withdrawal, before="donor_sampled", by=COORDINATOR, minutes=2)
    chain.add(consent(chain, 60, "D-2.0"), before="donor_sampled", by=COORDINATOR, minutes=1)
    assert fold_of(chain).consent_withdrawn is not None


def test_without_consent_nobody_knows_whether_it_is_withdrawn(chain):
    chain.drop("consent_signed")
    with pytest.raises(MissingFact, match="consent"):
        _ = fold_of(chain).consent_withdrawn


def test_without_a_collection_nothing_is_known_of_the_donor(chain):
    chain.drop("cord_collected")
    with pytest.raises(MissingFact, match="collection"):
        _ = fold_of(chain).donor


def test_the_last_word_on_eligibility_stands(chain):
    refusal = EligibilityRefused(donation=chain.cast.donation, reason="reactive repeat")
    chain.add(refusal, before="bank_started", by=QA, minutes=2)
    fold = fold_of(chain)
    assert fold.eligibility is None
    assert fold.eligibility_refused.act == refusal
    chain.add(EligibilityDetermined(donation=chain.cast.donation), before="bank_started", by=QP, minutes=1)
    fold = fold_of(chain)
    assert fold.eligibility is not None
    assert fold.eligibility_refused is None


def test_before_any_determination_neither_stands(chain):
    chain.drop("eligibility_determined")
    fold = fold_of(chain)
    assert fold.eligibility is None
    assert fold.eligibility_refused is None


def test_the_strict_window_is_the_overlap_of_both_jurisdictions(chain):
    fold = fold_of(chain)
    delivered_at = fold.delivered_at
    assert fold.tests.window == (delivered_at - timedelta(hours=12), delivered_at + timedelta(days=7))


def test_a_proposed_collection_goes_before_the_recorded_one_and_is_no_evidence_yet(chain):
    recorded = fold_of(chain)
    assert recorded.collection_evidence == (recorded.collected.digest,)
    corrected = dataclasses.replace(recorded.collection, delivered_at=recorded.delivered_at - timedelta(minutes=5))
    proposed = dataclasses.replace(recorded, proposed=corrected)
    assert proposed.delivered_at == recorded.delivered_at - timedelta(minutes=5)
    assert proposed.collection_evidence == ()
