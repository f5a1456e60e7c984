"""CON: the mother's consent was given in time, on a form in force, with every tick, and stands (rules G1)."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.donation import CordCollected
from custody.domain.folds.base import MissingFact
from custody.domain.folds.donation import DonationFold
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate

DONOR_FORM = "donor"
"""The kind of consent form, in the study's list, that a mother signs."""


def donation_of(case: Case) -> DonationFold:
    """The donation being judged, with the collection that is being recorded, if that is the proposed act."""
    fold = case.donation
    collection = case.proposed_as(CordCollected)
    if collection is None or collection.donation != fold.node:
        return fold
    return DonationFold(fold.dossier, fold.node, fold.study, collection)


@gate(
    "CON-NONE",
    revision=1,
    title="The birth mother consented, and her identity was checked",
    source="rules G1; 21 CFR 1271.75; Directive 2004/23/EC art. 13",
    each="donation",
)
def consent_given(case: Case, _now: datetime) -> Outcome:
    consent = donation_of(case).consent
    if not consent.act.by_birth_mother:
        return Blocked(Reason("not_signed_by_birth_mother", form_version=consent.act.form_version), (consent.digest,))
    if not consent.act.identity_checked:
        return Blocked(Reason("identity_not_checked", form_version=consent.act.form_version), (consent.digest,))
    return Passed((consent.digest,))


@gate("CON-LATE", revision=1, title="Consent was signed before the delivery", source="rules G1", each="donation")
def consent_in_time(case: Case, now: datetime) -> Outcome:
    donation = donation_of(case)
    consent, delivered_at = donation.consent, donation.delivered_at
    evidence = (consent.digest, *donation.collection_evidence)
    if delivered_at > now:  # a delivery still to come would make any consent look early
        return Blocked(Reason("delivered_in_future", delivered_at=delivered_at, now=now), evidence)
    if consent.act.signed_at < delivered_at:
        return Passed(evidence)
    return Blocked(Reason("consent_after_delivery", signed_at=consent.act.signed_at, delivered_at=delivered_at), evidence)


@gate("CON-VER", revision=1, title="The consent form was approved and in force that day", source="rules G1", each="donation")
def consent_form_in_force(case: Case, _now: datetime) -> Outcome:
    consent = donation_of(case).consent
    signed_on = consent.act.signed_at.date()  # the day where she signed: the time carries its own offset
    form = case.criteria_now.consent_form(DONOR_FORM, consent.act.form_version)
    if form is None:
        return Blocked(Reason("form_not_approved", form_version=consent.act.form_version), (consent.digest,))
    if form.in_force_on(signed_on):
        return Passed((consent.digest,))
    reason = Reason(
        "form_not_in_force",
        form_version=form.version,
        signed_on=signed_on,
        in_force_from=form.in_force_from,
        in_force_until=form.in_force_until,
    )
    return Blocked(reason, (consent.digest,))


@gate("CON-WDN", revision=1, title="Consent is not withdrawn", source="rules G1 and section 5, withdrawal", each="donation")
def consent_not_withdrawn(case: Case, _now: datetime) -> Outcome:
    donation = donation_of(case)
    withdrawal = donation.consent_withdrawn
    if withdrawal is None:
        return Passed((donation.consent.digest,))
    return Blocked(Reason("consent_withdrawn", withdrawn_at=withdrawal.act.withdrawn_at), (donation.consent.digest, withdrawal.digest))


@gate("CON-TICK", revision=1, title="Every box the form asks for is ticked", source="rules G1", each="donation")
def every_tick_given(case: Case, _now: datetime) -> Outcome:
    consent = donation_of(case).consent
    form = case.criteria_now.consent_form(DONOR_FORM, consent.act.form_version)
    if form is None:
        raise MissingFact("consent_form", evidence=(consent.digest,))
    open_ticks = tuple(tick for tick in form.required_ticks if tick not in consent.act.ticks)
    if not open_ticks:
        return Passed((consent.digest,))
    return Blocked(Reason("ticks_missing", ticks=open_ticks, form_version=form.version), (consent.digest,))
