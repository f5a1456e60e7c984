"""BED: the last check, at the bed - this participant, this bag, now (hold points G10, G12 and G12N)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from custody.domain.acts.bedside import FitToInfuseSigned, InfusionStarted, NextBagStarted, PrescriptionSigned
from custody.domain.acts.people import DelegationRecorded
from custody.domain.acts.shipping import BagDamaged
from custody.domain.criteria import WeightBasis
from custody.domain.dossier import Signed
from custody.domain.folds.base import MissingFact, newest
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.registers import span
from custody.domain.ids import Digest
from custody.domain.terms import Answer, Role
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.allocation import consent_fault, dosed_otherwise, stagger_fault, toxicity_fault
from custody.gates.bedside_scans import full_scans, scans_at_the_bed, started_bag
from custody.gates.case import Case
from custody.gates.registry import gate

SECOND_CHECK = "second_check"
"""The duty on the delegation log that allows to be the second person at the bed."""


@gate("BED-PID", revision=2, title="The wristband is this participant's", source="rules 4 (G12), 12 line 1")
def wristband_is_the_participants(case: Case, now: datetime) -> Outcome:
    del now
    dose = case.dose
    if isinstance(case.proposed, InfusionStarted) and case.proposed.participant != dose.participant:
        return Blocked(Reason("participant_differs", seen=case.proposed.participant, expected=dose.participant), (dose.requested.digest,))
    band = dose.recipient.wristband
    if not band.is_repeated_alike:
        return Blocked(Reason("wristband_not_put_on_by_two", issued_at=band.at), (band.digest,))
    other = next((scans for scans in scans_at_the_bed(case) if scans.wristband != band.act.wristband), None)
    if other is not None:
        return Blocked(Reason("wristband_differs", seen=other.wristband), (band.digest,))
    return Passed((dose.requested.digest, band.digest))


@gate("BED-ID2", revision=1, title="The second identifier is this participant's", source="rules 4 (G12), 12 line 2")
def second_identifier_agrees(case: Case, now: datetime) -> Outcome:
    del now
    band = case.dose.recipient.wristband
    wrong = next((scans for scans in full_scans(case) if scans.second_identifier != band.act.second_identifier), None)
    if wrong is not None:
        return Blocked(Reason("second_identifier_differs", method=wrong.second_identifier_method), (band.digest,))
    return Passed((band.digest,))


@gate("BED-BAG", revision=1, title="The bag scanned belongs to this dose", source="rules 4 (G12), 12 line 3")
def bag_belongs_to_dose(case: Case, now: datetime) -> Outcome:
    del now
    dose = case.dose
    evidence = tuple(d.digest for d in (dose.allocation, *dose.spares_allocated) if d is not None)
    bag = started_bag(case)
    for seen in (bag, *(scans.bag for scans in scans_at_the_bed(case))):
        if seen not in dose.bags:
            return Blocked(Reason("bag_of_another_dose", seen=seen, dose=dose.node), evidence)
        if seen != bag:
            return Blocked(Reason("bags_scanned_differ", first=bag, second=seen), evidence)
    if dose.ended is not None:
        return Blocked(Reason("infusion_over", ended_at=dose.ended.act.ended_at), (dose.ended.digest,))
    return Passed(evidence)


@gate("BED-CONS", revision=2, title="The participant's consent stands", source="rules 4 (G12), 12 line 8")
def consent_stands(case: Case, now: datetime) -> Outcome:
    return consent_fault(case.dose, now) or Passed((case.dose.recipient.consent.digest,))


@gate("BED-STUDY", revision=2, title="The study is not halted", source="rules 4 (G12); study settings stagger_h")
def study_goes_on(case: Case, now: datetime) -> Outcome:
    """At the start of an infusion also: nobody else of the cohort was started too recently, and no toxicity waits for the committee."""
    dose = case.dose
    halt = case.study.is_halted
    if halt is not None:
        return Blocked(Reason("study_halted", halted_at=halt.at), (halt.digest,))
    if isinstance(case.proposed, InfusionStarted):
        if case.proposed.cohort != dose.cohort.id:
            return Blocked(Reason("cohort_differs", seen=case.proposed.cohort, expected=dose.cohort.id), (dose.requested.digest,))
        fault = stagger_fault(dose, now) or toxicity_fault(dose)
        if fault is not None:
            return fault
    return Passed((dose.requested.digest,))


@gate("BED-DUP", revision=1, title="The participant has not been dosed already", source="rules 4 (G12): one infusion each")
def not_dosed_already(case: Case, now: datetime) -> Outcome:
    del now
    return dosed_otherwise(case.dose)


@gate("BED-DOSE", revision=1, title="The dose is released and not running yet", source="rules 4 (G12), 12 line 4")
def dose_is_released(case: Case, now: datetime) -> Outcome:
    """A bag of another dose is left to BED-BAG; here it is enough that this dose has a bag ready for the bed."""
    del now
    dose, bag = case.dose, started_bag(case)
    if dose.started is not None:
        return Blocked(Reason("dose_already_started", started_at=dose.started.act.started_at), (dose.started.digest,))
    ready = dose.released_bags
    if not ready or (bag in dose.bags and bag not in ready):
        return Blocked(Reason("dose_not_released", bag=bag))
    releases = (dose.release_of(b) for b in ready)
    return Passed(tuple(d.digest for d in releases if d is not None))


@gate("BED-RX", revision=2, title="Volume and rate are as prescribed", source="rules 4 (G10, G12), 8, 12 line 7")
def as_prescribed(case: Case, now: datetime) -> Outcome:
    """Before the thaw the prescription against the plan of the dose; at the bed also the pump, as both people read it."""
    del now
    dose = case.dose
    prescription = newest(case.dossier.deeds(dose.node, PrescriptionSigned), "prescription", dose.node)
    if prescription is None:
        raise MissingFact("prescription", node=dose.node)
    fault = _prescription_fault(prescription.act, dose)
    if fault is None and isinstance(case.proposed, InfusionStarted):
        fault = _pump_fault(case, prescription.act)
    return Blocked(fault, (prescription.digest,)) if fault is not None else Passed((prescription.digest,))


def _prescription_fault(prescribed: PrescriptionSigned, dose: DoseFold) -> Reason | None:
    longest = dose.criteria.settings.spike_to_end_min
    if prescribed.volume_ml != dose.plan.volume_ml:
        return Reason("prescribed_volume_differs", seen=prescribed.volume_ml, expected=dose.plan.volume_ml)
    if not 0 < prescribed.planned_minutes <= longest:
        return Reason("planned_too_long", seen=prescribed.planned_minutes, longest=longest)
    if not _rate_fits(prescribed):
        return Reason("rate_does_not_fit", rate=prescribed.rate_ml_per_min, volume=prescribed.volume_ml, minutes=prescribed.planned_minutes)
    if not prescribed.notice_acknowledged:
        return Reason("notice_not_acknowledged")
    return None


def _rate_fits(prescribed: PrescriptionSigned) -> bool:
    """Whether the rate gives the volume in the planned time, to the last digit in which the rate was written."""
    exponent = prescribed.rate_ml_per_min.as_tuple().exponent
    last_digit = Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(0)
    lowest, highest = prescribed.rate_ml_per_min - last_digit, prescribed.rate_ml_per_min + last_digit
    return (
        prescribed.rate_ml_per_min > 0 and lowest * prescribed.planned_minutes < prescribed.volume_ml < highest * prescribed.planned_minutes
    )


def _pump_fault(case: Case, prescribed: PrescriptionSigned) -> Reason | None:
    for scans in full_scans(case):
        volumes = {"seen": scans.volume_ml, "expected": prescribed.volume_ml}
        rates = {"seen": scans.rate_ml_per_min, "expected": prescribed.rate_ml_per_min}
        is_other_volume, is_other_rate = (each["seen"] != each["expected"] for each in (volumes, rates))
        if is_other_volume and is_other_rate:
            return Reason("volume_and_rate_differ", **volumes, seen_rate=rates["seen"], expected_rate=rates["expected"])
        if is_other_volume:
            return Reason("volume_differs", **volumes)
        if is_other_rate:
            return Reason("rate_differs", **rates)
    return None


@gate("BED-INT", revision=1, title="The container is whole and looks as it should", source="rules 4 (G12), 12 line 6", each="bag")
def container_is_sound(case: Case, now: datetime) -> Outcome:
    """A foreign bag is left to BED-BAG: it is never held for being scanned at the wrong bed."""
    del now
    bag = case.bag.node
    damage = case.dossier.last(bag, BagDamaged)
    if damage is not None:
        return Blocked(Reason("bag_damaged", bag=bag, found_at=damage.at), (damage.digest,))
    seen = [scans for scans in scans_at_the_bed(case) if scans.bag == bag]
    for scans in seen:
        if scans.container_whole is not Answer.YES:
            return Blocked(Reason("container_not_whole", bag=bag, answer=scans.container_whole))
        if scans.nothing_unusual_seen is not Answer.YES:
            return Blocked(Reason("unusual_look", bag=bag, answer=scans.nothing_unusual_seen))
    return Passed(note=None if seen else Reason("another_bag_scanned", bag=bag))


@gate("BED-LINE", revision=1, title="Line and filter are right and carry no other drug", source="rules 4 (G12), 12 line 10")
def line_is_right(case: Case, now: datetime) -> Outcome:
    del now
    for scans in full_scans(case):
        if scans.line_and_filter_right is not Answer.YES:
            return Blocked(Reason("line_or_filter_wrong", answer=scans.line_and_filter_right))
        if scans.no_other_drug_on_line is not Answer.YES:
            return Blocked(Reason("other_drug_on_line", answer=scans.no_other_drug_on_line))
    return Passed()


@gate("BED-RESUS", revision=1, title="Resuscitation kit and physician are ready", source="rules 4 (G12), 12 line 11")
def resuscitation_is_ready(case: Case, now: datetime) -> Outcome:
    del now
    for scans in full_scans(case):
        if scans.resuscitation_ready is not Answer.YES:
            return Blocked(Reason("resuscitation_not_ready", answer=scans.resuscitation_ready))
        if scans.physician_present is not Answer.YES:
            return Blocked(Reason("physician_not_present", answer=scans.physician_present))
    return Passed()


@gate("BED-PREMED", revision=1, title="The pre-medication was given", source="rules 4 (G12), 12 line 9")
def premedication_was_given(case: Case, now: datetime) -> Outcome:
    dose = case.dose
    if dose.prescription is None:
        raise MissingFact("prescription", node=dose.node)
    wanted = dose.prescription.act.premedication
    if not wanted:
        return Passed((dose.prescription.digest,), note=Reason("no_premedication"))
    given = [d for d in dose.premedications if d.act.given_at <= min(now, d.recorded_at)]  # nothing is given before it happened
    drugs = {_drug(drug) for d in given for drug in d.act.drugs}
    missing = next((drug for drug in wanted if _drug(drug) not in drugs), None)
    if missing is not None:
        return Blocked(Reason("premedication_not_given", drug=missing), (dose.prescription.digest,))
    return Passed((dose.prescription.digest, *(d.digest for d in given)))


def _drug(name: str) -> str:
    return " ".join(name.casefold().split())


@gate("BED-TWO", revision=2, title="Two different people scanned and signed in time", source="rules 4 (G12), 12, 19 bedside_pair_min")
def two_people_at_the_bed(case: Case, now: datetime) -> Outcome:
    people = {signer.person for signer in case.signers}
    if len(people) < 2:
        return Blocked(Reason("one_person", people=len(people)))
    if not isinstance(case.second, InfusionStarted | NextBagStarted):
        return Blocked(Reason("second_did_not_scan"))
    times = [signer.at for signer in case.signers]
    evidence: list[Digest] = []
    if isinstance(case.proposed, InfusionStarted):
        for signer in case.signers:
            deed = case.dose.scans_by(signer.person)
            if deed is None:
                return Blocked(Reason("person_did_not_scan", account=signer.account))
            times.append(min(deed.at, deed.recorded_at))
            evidence.append(deed.digest)
    minutes = case.criteria_now.settings.bedside_pair_min
    if now - min(times) > span(minutes=minutes):
        return Blocked(Reason("pair_too_slow", first_at=min(times), now=now, minutes=minutes), tuple(evidence))
    return _checker_fault(case, case.signers[1]) or Passed(tuple(evidence))


def _checker_fault(case: Case, checker: Signed) -> Blocked | None:
    """The second person is a nurse, or stands on the delegation log today, and did not prepare the bag."""
    if checker.person in case.dose.preparers:
        return Blocked(Reason("checker_prepared_the_bag", account=checker.account))
    if checker.role is Role.BEDSIDE_NURSE:
        return None
    log = case.dossier.deeds(checker.account, DelegationRecorded)
    today = case.day_where(checker)
    if any(d.act.duty == SECOND_CHECK and d.act.valid_from <= today <= d.act.valid_until for d in log):
        return None
    return Blocked(Reason("checker_not_delegated", account=checker.account, on=today), tuple(d.digest for d in log))


@gate("BED-WT", revision=2, title="The weight has hardly changed since the dose was computed", source="rules 4 (G12), 19")
def weight_has_not_changed(case: Case, now: datetime) -> Outcome:
    del now
    dose = case.dose
    basis, latest = dose.weighing, dose.recipient.weight_known_at()
    evidence = (basis.digest, latest.digest)
    if dose.weight_basis is WeightBasis.PREDICTED:
        return Passed((basis.digest,), note=Reason("predicted_weight"))
    if not latest.is_repeated_alike:
        return Blocked(Reason("weight_entries_differ", entered=latest.act.weight_kg, measured_at=latest.at), evidence)
    percent = dose.criteria.settings.weight_recheck_pct
    if abs(latest.act.weight_kg - dose.weight_kg) * 100 <= percent * dose.weight_kg:
        return Passed(evidence)
    return Blocked(Reason("weight_changed", seen=latest.act.weight_kg, expected=dose.weight_kg, percent=percent), evidence)


@gate("BED-VIT", revision=1, title="Vital signs are fresh", source="rules 4 (G12), 19 vitals_before_min")
def vitals_are_fresh(case: Case, now: datetime) -> Outcome:
    taken = [d for d in case.dose.vitals if d.act.measured_at <= min(now, d.recorded_at)]
    if not taken:
        raise MissingFact("vitals", node=case.dose.node)
    latest = max(taken, key=lambda d: d.act.measured_at)
    minutes = case.criteria_now.settings.vitals_before_min
    if now - latest.act.measured_at <= span(minutes=minutes):
        return Passed((latest.digest,))
    return Blocked(Reason("vitals_too_old", measured_at=latest.act.measured_at, now=now, minutes=minutes), (latest.digest,))


@gate("BED-FIT", revision=2, title="The investigator signed that the participant is fit to be infused", source="rules 4 (G12)")
def participant_is_fit(case: Case, now: datetime) -> Outcome:
    """Alive, eligible and stable are true of a moment, so this signature may be no older than the investigator's “ready”."""
    fit = newest(case.dossier.deeds(case.dose.node, FitToInfuseSigned), "fit_to_infuse", case.dose.node)
    if fit is None:
        raise MissingFact("fit_to_infuse", node=case.dose.node)
    for what, answer in (("alive", fit.act.alive), ("still_eligible", fit.act.still_eligible), ("stable", fit.act.stable)):
        if answer is not Answer.YES:
            return Blocked(Reason("not_fit", what=what, answer=answer), (fit.digest,))
    signed_at = min(fit.at, fit.recorded_at)
    minutes = case.criteria_now.settings.ready_minutes
    if now - signed_at > span(minutes=minutes):
        return Blocked(Reason("fit_too_old", signed_at=signed_at, now=now, minutes=minutes), (fit.digest,))
    return Passed((fit.digest,))
