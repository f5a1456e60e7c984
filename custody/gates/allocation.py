"""ALO: may this participant have this dose, from these bags, in this cohort (hold points G7 and G10)."""

from __future__ import annotations

from datetime import datetime

from custody.domain.acts.allocation import DoseAllocated, EligibilityLine, KitAssigned
from custody.domain.acts.bedside import BagPreparationStarted
from custody.domain.acts.study import CommitteeDecided
from custody.domain.criteria import EligibilityCriterion, WindowEnd
from custody.domain.dossier import Deed
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.participant import ParticipantFold
from custody.domain.folds.registers import span
from custody.domain.ids import BagId, CohortId, Digest
from custody.domain.lineage import donations_of, is_placebo, lots_of
from custody.domain.terms import Answer, Committee, ConsentSigner
from custody.domain.verdict import Blocked, Outcome, Passed, Reason
from custody.gates.case import Case
from custody.gates.registry import gate

PARTICIPANT_FORM = "participant"


@gate("ALO-COHORT", revision=2, title="The cohort is open for this dose", source="rules 4 (G7); register: phase 2")
def cohort_is_open(case: Case, now: datetime) -> Outcome:
    """The stagger counts from the thaw on: bags may be reserved and travel while an earlier participant is still watched."""
    dose, cohort = case.dose, case.dose.cohort
    unfit = _request_fault(case, dose)
    if unfit is not None:
        return Blocked(unfit, (dose.requested.digest,))
    opened = case.study.cohort_open(cohort.id)
    if opened is None:
        return Blocked(Reason("cohort_not_open", cohort=cohort.id))
    unsafe = _committees_fault(dose) or toxicity_fault(dose)
    if unsafe is not None:
        return unsafe
    others = [slot for slot in case.study.slots(cohort.id) if slot != dose.node]
    if len(others) >= cohort.size:
        return Blocked(Reason("cohort_full", cohort=cohort.id, size=cohort.size, taken=len(others)), (opened.digest,))
    early = stagger_fault(dose, now) if isinstance(case.proposed, BagPreparationStarted) else None
    if early is not None:
        return early
    return Passed((dose.requested.digest, opened.digest))


def _request_fault(case: Case, dose: DoseFold) -> Reason | None:
    """The allocation and the request name one cohort, and the request the study version that was in force then."""
    requested = dose.requested
    if isinstance(case.proposed, DoseAllocated) and case.proposed.cohort != dose.cohort.id:
        return Reason("cohort_differs", seen=case.proposed.cohort, expected=dose.cohort.id)
    in_force = case.study.version_at(requested.recorded_at)
    if requested.act.criteria_version == in_force:
        return None
    return Reason("criteria_version_differs", seen=requested.act.criteria_version, expected=in_force)


def _committees_fault(dose: DoseFold) -> Blocked | None:
    """Phase 2 needs both committees; a higher phase 1 dose the data-safety committee, after the cohorts before it were watched."""
    cohort = dose.cohort
    needed = [Committee.DATA_SAFETY] if cohort.after or cohort.phase == 2 else []
    needed += [Committee.ETHICS] if cohort.phase == 2 else []
    for committee in needed:
        if dose.study.committee_approved(committee, cohort.id) is None:
            return Blocked(Reason("committee_not_approved", committee=committee, cohort=cohort.id))
    decided = dose.study.committee_approved(Committee.DATA_SAFETY, cohort.id)
    for earlier in dose.criteria.before(cohort):
        watched_until = _watched_until(dose, earlier)
        if decided is not None and watched_until is not None and decided.at < watched_until:
            return Blocked(
                Reason("decided_before_watch_ended", cohort=cohort.id, earlier=earlier, decided_at=decided.at, watched_until=watched_until),
                (decided.digest,),
            )
    return None


def _watched_until(dose: DoseFold, cohort: CohortId) -> datetime | None:
    """When the last participant of a cohort has passed the window for dose-limiting toxicities."""
    days = dose.criteria.settings.dlt_window_d
    if days is None:
        raise MissingFact("dlt_window_d", node=dose.study.study)
    starts = [d.act.started_at for d in dose.study.doses_started(cohort)]
    return max(starts) + span(days=days) if starts else None


def toxicity_fault(dose: DoseFold) -> Blocked | None:
    """A dose-limiting toxicity in this cohort, or any before it, that the data-safety committee has not decided on since."""
    cohort = dose.cohort
    decided = dose.study.committee_approved(Committee.DATA_SAFETY, cohort.id)
    for watched in (*dose.criteria.before(cohort), cohort.id):
        for toxicity in dose.study.toxicities(watched):
            if decided is None or not _came_after(decided, toxicity.recorded_at):
                return Blocked(
                    Reason("toxicity_not_judged", cohort=cohort.id, in_cohort=watched, recorded_at=toxicity.recorded_at),
                    (toxicity.digest,),
                )
    return None


def _came_after(decided: Deed[CommitteeDecided], moment: datetime) -> bool:
    """Both by when it was said to happen and by when it was recorded, so that neither can be dated back."""
    return min(decided.at, decided.recorded_at) >= moment


def stagger_fault(dose: DoseFold, now: datetime) -> Blocked | None:
    """Somebody else's dose of the cohort was started too short a time ago (setting `stagger_h`); a dose that runs already is not held up.

    Another dose of the same participant is not staggered but forbidden: ALO-DUP and BED-DUP say so.
    """
    if dose.started is not None:
        return None
    hours = dose.criteria.settings.stagger_h
    if hours is None:
        raise MissingFact("stagger_h", node=dose.study.study)
    own = {dose.node, *(d.act.dose for d in dose.recipient.doses_started)}
    for other in dose.study.doses_started(dose.cohort.id):
        earliest = other.act.started_at + span(hours=hours)
        if other.act.dose not in own and now < earliest:
            return Blocked(Reason("stagger_not_over", started_at=other.act.started_at, earliest=earliest), (other.digest,))
    return None


@gate("ALO-PART", revision=2, title="The participant has consented and is eligible", source="rules 4 (G7); protocol criteria")
def participant_may_take_part(case: Case, now: datetime) -> Outcome:
    dose = case.dose
    fault = consent_fault(dose, now)
    if fault is not None:
        return fault
    record = dose.recipient.eligibility
    for criterion in dose.criteria.eligibility:
        lines = [line for line in record.act.lines if line.code == criterion.code]
        wrong = _line_fault(criterion, lines)
        if wrong is not None:
            return Blocked(wrong, (record.digest,))
    return Passed((dose.recipient.consent.digest, record.digest))


def consent_fault(dose: DoseFold, now: datetime) -> Blocked | None:
    """Why the participant's consent does not stand at `now`; None when it does. Raises MissingFact without consent."""
    person: ParticipantFold = dose.recipient
    if person.left is not None:
        return Blocked(Reason("participant_left", reason=person.left.act.reason, left_at=person.left.act.left_at), (person.left.digest,))
    consent = person.consent
    signed = consent.act
    if not signed.signed_at <= now:
        return Blocked(Reason("consent_in_future", signed_at=signed.signed_at, now=now), (consent.digest,))
    if signed.signed_by is ConsentSigner.LEGAL_REPRESENTATIVE and not signed.relation.strip():
        return Blocked(Reason("relation_not_given", signed_at=signed.signed_at), (consent.digest,))
    form = dose.criteria.consent_form(PARTICIPANT_FORM, signed.form_version)
    if form is None:
        return Blocked(Reason("consent_form_unknown", seen=signed.form_version), (consent.digest,))
    if not form.in_force_on(signed.signed_at.date()):
        return Blocked(Reason("consent_form_not_in_force", version=form.version, signed_at=signed.signed_at), (consent.digest,))
    return None


def _line_fault(criterion: EligibilityCriterion, lines: list[EligibilityLine]) -> Reason | None:
    """Why the record does not satisfy one criterion: unanswered, answered twice, not met, no number, or a number beyond the limit."""
    if len(lines) != 1:
        return Reason("criterion_not_answered_once", criterion=criterion.code, answers=len(lines))
    line = lines[0]
    if line.satisfied is not Answer.YES:
        return Reason("criterion_not_met", criterion=criterion.code, answer=line.satisfied)
    if not criterion.has_number:
        return None
    if line.value is None:
        return Reason("criterion_without_value", criterion=criterion.code, unit=criterion.unit)
    if not criterion.allows(line.value):
        return Reason("criterion_beyond_limit", criterion=criterion.code, seen=line.value, unit=criterion.unit)
    return None


@gate("ALO-WINDOW", revision=1, title="The participant is within the time window since diagnosis", source="protocol: diagnosed within 72 h")
def within_window(case: Case, now: datetime) -> Outcome:
    """The window has to be open now, or, once that came first, at the start of the infusion or (by setting) when bags were reserved."""
    dose = case.dose
    record = dose.recipient.eligibility
    settings = dose.criteria.settings
    diagnosed_at = record.act.diagnosed_at
    judged_at = dose.started_at or now
    if settings.window_ends_at is WindowEnd.ALLOCATION and not isinstance(case.proposed, DoseAllocated) and dose.allocation is not None:
        judged_at = dose.allocation.recorded_at
    ends_at = diagnosed_at + span(hours=settings.enrol_window_h)
    if diagnosed_at <= judged_at <= ends_at:
        return Passed((record.digest,))
    return Blocked(Reason("outside_window", diagnosed_at=diagnosed_at, ends_at=ends_at, judged_at=judged_at), (record.digest,))


@gate("ALO-DUP", revision=1, title="The participant has not been dosed before", source="rules 4 (G7): one infusion each")
def not_dosed_before(case: Case, now: datetime) -> Outcome:
    del now
    return dosed_otherwise(case.dose)


def dosed_otherwise(dose: DoseFold) -> Outcome:
    """Blocked when a dose other than this one was started for the participant (ALO-DUP and BED-DUP)."""
    if not dose.recipient.doses_requested:
        raise MissingFact("participant_record", node=dose.participant)
    other = next((d for d in dose.recipient.doses_started if d.act.dose != dose.node), None)
    if other is None:
        return Passed((dose.requested.digest,))
    return Blocked(Reason("dosed_before", dose=other.act.dose, started_at=other.at), (other.digest,))


@gate("ALO-WT", revision=1, title="Weight, height and sex were entered twice and agree", source="rules 4 (G7), 8, 10; Annex 11-6")
def weight_entered_twice(case: Case, now: datetime) -> Outcome:
    del now
    dose = case.dose
    weighing = dose.weighing
    if not weighing.is_repeated_alike:
        return Blocked(Reason("weight_entries_differ", entered=weighing.act.weight_kg, measured_at=weighing.at), (weighing.digest,))
    if not dose.weight_kg > 0:  # raises MissingFact where the numbers are those of no adult
        return Blocked(Reason("missing", what="plausible_weight"), (weighing.digest,))
    return Passed((weighing.digest,))


@gate("ALO-MIX", revision=1, title="No mixed donors and no mixed lots in one dose", source="rules 4 (G7); study settings")
def one_donor_one_lot(case: Case, now: datetime) -> Outcome:
    del now
    settings = case.dose.criteria.settings
    bags = case.dose.bags_with(case.proposed)
    if not bags:
        raise MissingFact("bags", node=case.dose.node)
    lots = {lot for bag in bags for lot in _lots(case, bag)}
    donations = {din for bag in bags for din in donations_of(case.dossier, bag)}
    if len({is_placebo(case.dossier, bag) for bag in bags}) > 1:
        return Blocked(Reason("mixed_products", bags=len(bags)))
    if len(donations) > 1 and not settings.allow_donor_pool:
        return Blocked(Reason("mixed_donors", bags=len(bags), donations=len(donations)))
    if len(lots) > 1 and not settings.allow_mixed_lots:
        return Blocked(Reason("mixed_lots", bags=len(bags), lots=len(lots)))
    return Passed()


def _lots(case: Case, bag: BagId) -> tuple[object, ...]:
    lots = lots_of(case.dossier, bag)
    if not lots:
        raise MissingFact("lot", node=bag)
    return lots


@gate("ALO-RAND", revision=1, title="The kit comes from randomisation", source="rules 4 (G7), 13")
def kit_from_randomisation(case: Case, now: datetime) -> Outcome:
    """In the blinded phase every bag belongs to the kit that was assigned to this participant; an open-label dose needs no kit."""
    del now
    dose = case.dose
    kit = dose.kit_with(case.proposed)
    if kit is None:
        if dose.is_blinded or dose.phase == 2:
            raise MissingFact("kit", node=dose.node)
        return Passed(note=Reason("not_randomised"))
    assigned = case.dossier.deeds(kit, KitAssigned)
    if not assigned:
        return Blocked(Reason("kit_not_assigned", kit=kit))
    evidence: tuple[Digest, ...] = tuple(d.digest for d in assigned)
    if {d.act.participant for d in assigned} != {dose.participant}:
        return Blocked(Reason("kit_of_another_participant", kit=kit), evidence)
    in_kit = {bag for d in assigned for bag in d.act.bags}
    strange = next((bag for bag in dose.bags_with(case.proposed) if bag not in in_kit), None)
    if strange is not None:
        return Blocked(Reason("bag_not_in_kit", bag=strange, kit=kit), evidence)
    return Passed(evidence)
