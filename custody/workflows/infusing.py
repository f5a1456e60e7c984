"""A running infusion: how far it is, when vital signs are due, which bag comes next, and what arrived that the physician must decide on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from custody.domain.acts.allocation import WristbandIssued
from custody.domain.acts.bedside import (
    InfusionAlarmAnswered,
    InfusionPaused,
    InfusionRateChanged,
    InfusionResumed,
    NextBagScans,
    NextBagStarted,
)
from custody.domain.acts.record import FindingKept, VerdictGiven
from custody.domain.criteria import VitalsSchedule
from custody.domain.dossier import Dossier, Signed, pending_proposals
from custody.domain.folds.base import MissingFact, youngest_of
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Digest, DoseId, PersonId
from custody.domain.masking import Seen, Viewer, verdict_shown
from custody.domain.terms import Answer, BagReadAs, HoldPoint
from custody.domain.verdict import Finding
from custody.errors import StaleError
from custody.store import entries
from custody.workflows.bedside import dossier_for, study_of_signer
from custody.workflows.dossiers import dossier_of
from custody.workflows.judging import judge, kept, reason_from, roots_of
from custody.workflows.order import proposed_of
from custody.workflows.outcome import Outcome, proposal_digest
from custody.workflows.recording import countersign, record
from custody.workflows.signer import Signer

ALARM_GATES = frozenset({"BAG-HOLD", "BAG-RECALL", "BAG-DONOR", "BAG-EXP", "BED-STUDY", "BED-CONS"})
"""Gates that can turn while an infusion runs: recall, hold, expiry, and consents or the study behind it (rules section 4)."""
EXPIRED = "bag_expired"
"""Of BAG-EXP only an expiry that came counts while running: the planned end was judged at the start."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Something that arrived during the infusion; `name` stays the same as long as it stands. `decision`: what the physician decided."""

    name: str
    finding: FindingKept
    decision: str


@dataclass(frozen=True, kw_only=True)
class WaitingAct:
    """An act about the dose that one person has signed and another must."""

    act: str
    proposal: Digest
    signers: tuple[Signed, ...]


@dataclass(frozen=True, kw_only=True)
class Infusion:
    """`bag` is the one that runs (None between two bags); `next_bags` wait for the short check; `due` is when vital signs come next."""

    dose: DoseId
    started_at: datetime
    rate_ml_per_min: Decimal | None
    volume_ml: Decimal | None
    paused: bool
    bag: BagId | None
    next_bags: tuple[BagId, ...]
    all_finished: bool
    due: datetime | None
    alarms: tuple[Alarm, ...]
    waiting: tuple[WaitingAct, ...]

    @property
    def waiting_next_bag(self) -> WaitingAct | None:
        return next((each for each in self.waiting if each.act == NextBagStarted.rule.name), None)


def infusion(connection: Connection, dose: DoseId, signer: Signer, viewer: Viewer, now: datetime) -> Seen[Infusion]:
    """The infusion of `dose` as `viewer` may see it. Raises StaleError when none runs."""
    dossier = dossier_for(connection, dose, signer)
    fold = DoseFold(dossier, dose, StudyFold(dossier, study_of_signer(signer)))
    if fold.started_at is None:
        raise StaleError("this infusion has not started", code="not_running")
    running = [bag for bag in fold.bags_begun if not fold.is_over(bag)]
    bag = running[-1] if running else None
    changed = dossier.last(dose, InfusionRateChanged)
    prescribed = fold.prescription.act if fold.prescription is not None else None
    last_pause = dossier.last(dose, InfusionPaused, InfusionResumed)
    shown = Infusion(
        dose=dose,
        started_at=fold.started_at,
        rate_ml_per_min=changed.act.rate_ml_per_min if changed is not None else (prescribed.rate_ml_per_min if prescribed else None),
        volume_ml=prescribed.volume_ml if prescribed else None,
        paused=last_pause is not None and isinstance(last_pause.act, InfusionPaused),
        bag=bag,
        next_bags=fold.released_bags,
        all_finished=bag is None and not fold.usable_bags,
        due=_next_vitals(fold, now),
        alarms=() if bag is None else _alarms(connection, fold, bag, signer=signer, viewer=viewer, now=now),
        waiting=waiting_acts(connection, dose),
    )
    return Seen(shown)


def waiting_acts(connection: Connection, dose: DoseId) -> tuple[WaitingAct, ...]:
    stream = entries.load_streams(connection, [dose.key])[dose.key]
    return tuple(
        WaitingAct(act=proposed_of(entry).act, proposal=proposed_of(entry).proposal, signers=signers)
        for entry, signers in pending_proposals(stream)
    )


def sign_next_bag(
    connection: Connection, act: NextBagStarted, signer: Signer, person: PersonId, now: datetime, *, proposal: Digest | None
) -> Outcome | None:
    """The first person's short check of the next bag, or the second's beside it. None when this person has signed already.

    Raises StaleError when somebody signed since the page was shown.
    """
    waiting = next((each for each in waiting_acts(connection, act.dose) if each.act == act.rule.name), None)
    if waiting is not None and any(signed.person == person for signed in waiting.signers):
        return None
    if (waiting.proposal if waiting is not None else None) != proposal:
        raise StaleError("this changed while you were looking; look again before you sign", code="stale")
    if waiting is None:
        return record(connection, act, signer, now)
    return countersign(connection, act.dose, waiting.proposal, signer, now, answers=act)


def _alarms(connection: Connection, fold: DoseFold, bag: BagId, *, signer: Signer, viewer: Viewer, now: datetime) -> tuple[Alarm, ...]:
    """The standing rules, judged on the running bag as for a next bag; nobody signs, so only what stands by itself counts."""
    study = study_of_signer(signer)
    supposed = _supposed(fold, bag)
    dossier: Dossier = dossier_of(connection, (*roots_of(supposed, study), signer.account))
    verdict = judge(HoldPoint.NEXT_BAG, supposed, (), dossier, study, now)
    arrived = tuple(finding for finding in verdict.blocking if _arrives(finding))
    given = kept(replace(verdict, findings=arrived), supposed, proposal_digest(supposed), (), dossier, study)
    shown: VerdictGiven = verdict_shown(viewer, given)
    answered = {deed.act.alarm: deed.act.decision for deed in dossier.deeds(fold.node, InfusionAlarmAnswered)}
    return tuple(
        Alarm(name=name, finding=finding, decision=answered.get(name, "")) for finding in shown.findings for name in (_name(finding),)
    )


def _arrives(finding: Finding) -> bool:
    if finding.gate.startswith("SYS-"):
        return True
    reason = getattr(finding.outcome, "reason", None)
    return finding.gate in ALARM_GATES and (finding.gate != "BAG-EXP" or (reason is not None and reason.code == EXPIRED))


def _name(finding: FindingKept) -> str:
    evidence = finding.evidence[0].value[:12] if finding.evidence else reason_from(finding.reason).code
    return f"{finding.gate} {evidence}"


def _supposed(fold: DoseFold, bag: BagId) -> NextBagStarted:
    """What nobody scans. Whichever wristband counts by now, an infusion that runs is shown."""
    band = youngest_of(fold.dossier.deeds(fold.participant, WristbandIssued))
    if band is None:
        raise MissingFact("wristband", node=fold.participant)
    scans = NextBagScans(
        wristband=band.act.wristband,
        bag=bag,
        bag_read_as=BagReadAs.OWN_LABEL,
        container_whole=Answer.NOT_CHECKED,
        nothing_unusual_seen=Answer.NOT_CHECKED,
    )
    return NextBagStarted(dose=fold.node, bag=bag, scans=scans)


def _next_vitals(fold: DoseFold, now: datetime) -> datetime | None:
    """The first time of the schedule at which nobody has measured yet, and whose window is not over; None without a start."""
    if fold.started_at is None:
        return None
    schedule = fold.study.criteria_now.vitals
    window = timedelta(minutes=schedule.window_minutes)
    measured = [deed.act.measured_at for deed in fold.vitals]
    for minute in _minutes(schedule, now - fold.started_at + window):
        due = fold.started_at + timedelta(minutes=minute)
        if due + window >= now and not any(abs(at - due) <= window for at in measured):
            return due
    return None


def _minutes(schedule: VitalsSchedule, ran: timedelta) -> list[int]:
    """The schedule's minutes, at least one beyond what ran so far."""
    minutes = list(schedule.first_minutes)
    while schedule.then_every_minutes > 0 and (not minutes or timedelta(minutes=minutes[-1]) <= ran):
        minutes.append((minutes[-1] if minutes else 0) + schedule.then_every_minutes)
    return minutes
