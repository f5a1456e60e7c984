"""Scenarios 21 to 27: the bed, the clock of the bag, the cohort and the second dose."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from custody.domain.acts.allocation import DoseAllocated, DoseRequested, KitAssigned
from custody.domain.acts.bedside import InfusionStarted
from custody.domain.acts.people import AccountCreated, AccountDisabled, RoleGranted, SignaturePolicyAccepted
from custody.domain.acts.study import CohortOpened, CommitteeDecided
from custody.domain.ids import AccountId, CohortId, KitId
from custody.domain.terms import Committee, CommitteeDecision, Role
from custody.workflows.drill.chains import Chain, asked
from custody.workflows.drill.roads import CAST, LIGHT, START, another_dose, delivered, road
from custody.workflows.drill.scenarios_moving import BEDSIDE, PREPARE, held
from custody.workflows.rehearsal.bedside import NURSES, PLANNED_MINUTES, enrol, wristband
from custody.workflows.rehearsal.editing import Steps, changed, in_order, inserted, signed_by, step_of, until
from custody.workflows.rehearsal.road import ADMIN, Cast
from custody.workflows.rehearsal.steps import STUDY, Script, people
from custody.workflows.rehearsal.whole import study_of

SECOND_ACCOUNT = "demo-nurse-one-again"
SPONSOR = "demo-sponsor-one"
IWRS = "demo-iwrs-one"
SECOND_DOSE = Cast(number=2, batch=1, upstream=1, patient=1, weight_kg=LIGHT.weight_kg, first_bag=1)
"""Another dose for the same participant, from the next bag."""
BLINDED = Cast(cohort="P2", weight_kg=Decimal(48))
"""A participant of phase 2, light enough for the two bags."""


def neighbours_wristband() -> tuple[Chain, ...]:
    return (asked(_scanning(wristband=wristband(Cast(number=2))), BEDSIDE),)


def wrong_bag() -> tuple[Chain, ...]:
    """The spare, which was reserved for nobody."""
    spare = CAST.bags[2]
    return (asked(changed(_scanning(bag=spare), BEDSIDE, bag=spare), BEDSIDE),)


def _scanning(**scans: Any) -> Steps:
    """Both people scan, and sign, something else."""
    steps = road()
    for name, nth in (("bedside_scanned", 0), ("bedside_scanned", 1), (BEDSIDE, 0)):
        act: Any = step_of(steps, name, nth=nth).act
        steps = changed(steps, name, nth=nth, scans=replace(act.scans, **scans))
    return steps


def one_person_twice() -> tuple[Chain, ...]:
    return asked(signed_by(road(), BEDSIDE, NURSES[0], NURSES[0]), BEDSIDE), _through_two_accounts()


def _through_two_accounts() -> Chain:
    """The first account signs and is disabled; the same person signs second with a new one."""
    start = step_of(road(), BEDSIDE)
    nurse, account = people()[NURSES[0]], AccountId(SECOND_ACCOUNT)
    created = AccountCreated(
        account=account, person=nurse.person, printed_name=nurse.printed_name, identity_verified_by="demonstration, nobody real"
    )
    granted = RoleGranted(account=account, role=Role.BEDSIDE_NURSE, site=nurse.site, study=None, valid_from=START.date())
    steps = in_order(
        (
            *until(road(), BEDSIDE),
            replace(start, at=start.at - timedelta(seconds=60), by=(NURSES[0],)),
            replace(start, by=(SECOND_ACCOUNT,), from_place=1),
        )
    )
    for seconds, act, by in (
        (50, AccountDisabled(account=nurse.account, reason="account renewed"), ADMIN),
        (40, created, ADMIN),
        (30, granted, ADMIN),
        (20, SignaturePolicyAccepted(account=account, policy_version="1"), SECOND_ACCOUNT),
    ):
        steps = inserted(steps, act, by, at=start.at - timedelta(seconds=seconds))
    return asked(steps, BEDSIDE, nth=1)


def ends_after_expiry() -> tuple[Chain, ...]:
    """The bag expires one minute before the planned end, counted at the thaw and at the bed."""
    chains = []
    for name in (PREPARE, BEDSIDE):
        expires_at = step_of(road(), name).at + timedelta(minutes=PLANNED_MINUTES - 1)
        chains.append(asked(changed(road(), "bags_filled", expires_at=expires_at), name))
    return tuple(chains)


def lot_held_at_last() -> tuple[Chain, ...]:
    return (asked(held(road(), CAST.lot, START - timedelta(minutes=10)), BEDSIDE),)


def one_committee_only() -> tuple[Chain, ...]:
    """Phase 2 is opened with the data-safety committee's approval, the kit is assigned, the ethics committee has not decided."""
    day = Script(START - timedelta(days=1))
    cohort, kit = CohortId(BLINDED.cohort), KitId("KIT-7F3A")
    decided = CommitteeDecided(
        study=STUDY, committee=Committee.DATA_SAFETY, cohort=cohort, decision=CommitteeDecision.OPEN, document="minutes on file"
    )
    day.do(decided, SPONSOR, minutes=288)
    day.do(CohortOpened(study=STUDY, cohort=cohort), SPONSOR, minutes=289)
    enrolled = Script(START)
    enrol(enrolled, BLINDED, study_of(BLINDED.form)[0])
    requested = DoseRequested(dose=BLINDED.dose, participant=BLINDED.participant, cohort=cohort, criteria_version=1)
    day.do(requested, "demo-physician-one", minutes=360)
    day.do(KitAssigned(kit=kit, participant=BLINDED.participant, bags=BLINDED.dose_bags), IWRS, minutes=370)
    day.do(DoseAllocated(dose=BLINDED.dose, cohort=cohort, bags=BLINDED.dose_bags, kit=kit), IWRS, minutes=380)
    return (asked(in_order((*delivered(), *enrolled.steps, *day.steps)), "dose_allocated"),)


def second_dose() -> tuple[Chain, ...]:
    """Asked for after the first dose; and with both doses prepared, when the first is running."""
    later = START + timedelta(days=1, minutes=-300)
    requested_after = in_order((*road(LIGHT), *another_dose(SECOND_DOSE, later)))
    beside = in_order((*road(LIGHT), *another_dose(SECOND_DOSE, START + timedelta(minutes=5))))
    return (
        asked(requested_after, "dose_allocated", where=lambda act: act.dose == SECOND_DOSE.dose),
        asked(beside, BEDSIDE, where=_is_second),
    )


def _is_second(act: InfusionStarted) -> bool:
    return act.dose == SECOND_DOSE.dose
