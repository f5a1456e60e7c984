"""The bedside: two people scan alone, the server decides, both sign; the rules run again in the transaction that starts the infusion."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.bedside import BedsideScanned, BedsideScans, InfusionEnded, InfusionStarted
from custody.domain.acts.record import VerdictGiven
from custody.domain.dossier import Deed, Dossier, Signed, pending_proposals
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Digest, DoseId, PersonId, StudyId
from custody.domain.masking import Seen, Viewer, verdict_shown
from custody.domain.terms import HoldPoint, VerdictWord
from custody.domain.verdict import Blocked, Finding, Reason, Verdict
from custody.errors import LedgerBrokenError, NotFoundError, NotPermittedError, StaleError
from custody.store import entries
from custody.store.ahead import undone_on_error
from custody.store.entries import NewEntry
from custody.workflows.consequences import holds_of
from custody.workflows.dossiers import dossier_of
from custody.workflows.judging import judge, kept, roots_of
from custody.workflows.order import proposed_of
from custody.workflows.outcome import Outcome, proposal_digest
from custody.workflows.recording import countersign, record, withdraw
from custody.workflows.signer import Signer, signed_now

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class WaitingStart:
    """A start that one person has signed and another must sign."""

    proposal: Digest
    signers: tuple[Signed, ...]
    signed_at: datetime


@dataclass(frozen=True, kw_only=True)
class BedsideState:
    """Where a bedside check stands: who has scanned lately, the verdict and until when it counts, and who must still sign.

    `bags` are those prepared, released and waiting for the bed. `scanned` counts scans made after the last verdict only: a verdict
    uses them up, so after a STOP both people scan again.
    """

    dose: DoseId
    bags: tuple[BagId, ...]
    scanned: tuple[tuple[Signed, datetime], ...]
    verdict: VerdictGiven | None
    verdict_entry: Digest | None
    valid_until: datetime | None
    waiting_start: WaitingStart | None
    started: bool
    ended: bool

    def has_scanned(self, person: PersonId) -> bool:
        return any(signed.person == person for signed, _ in self.scanned)

    def is_go(self, now: datetime) -> bool:
        """Whether a GO stands that may still be acted on."""
        return self.verdict is not None and self.verdict.word is VerdictWord.GO and self.valid_until is not None and now <= self.valid_until


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A verdict just given, and the entry that keeps it (None when nothing could be kept)."""

    verdict: Verdict
    entry: Digest | None


def check(connection: Connection, dose: DoseId, signer: Signer, now: datetime) -> Checked | None:
    """Judge the dose from the latest scans of two people; None while only one person has scanned.

    The verdict is an entry in the same transaction, go or no-go. Raises NotFoundError for an unknown dose.
    """
    study = study_of_signer(signer)
    try:
        dossier = dossier_for(connection, dose, signer)
        pair = _latest_pair(connection, dossier, dose, now, _minutes(dossier, signer, "bedside_pair_min"))
        if len(pair) < 2:
            return None
        first, second = (_as_start(dossier, dose, study, deed, now) for deed in pair)
        dossier = dossier_of(connection, (*roots_of(first, study), *roots_of(second), *(d.signers[0].account for d in pair)))
    except LedgerBrokenError as error:
        return Checked(verdict=_broken(dose, error, now), entry=None)
    signers = tuple(deed.signers[0] for deed in pair)
    verdict = judge(HoldPoint.BEDSIDE, first, signers, dossier, study, now, second)
    if verdict.word is VerdictWord.CANNOT_CHECK:
        return Checked(verdict=verdict, entry=None)
    given = kept(verdict, first, proposal_digest(first), signers, dossier, study)
    by = signed_now(signer, BedsideScanned.rule, 0, dossier, now)
    acts = (given, *(() if verdict.is_go else holds_of(verdict, dossier)))
    new = [NewEntry(act=act, happened_at=now, by=by, study=study, station=signer.station) for act in acts]
    written = entries.append(connection, new, recorded_at=now)
    return Checked(verdict=verdict, entry=written[0].digest)


def check_or_leave(connection: Connection, dose: DoseId, signer: Signer, now: datetime) -> None:
    """`check`, in the transaction that recorded a scan: a fault while judging undoes the judging and loses no scan."""
    try:
        with undone_on_error(connection):
            check(connection, dose, signer, now)
    except Exception:
        log.exception("the dose %s could not be judged", dose)


def state(connection: Connection, dose: DoseId, signer: Signer, now: datetime) -> BedsideState:
    """What the page of the bedside shows. Raises NotFoundError for an unknown dose, or one of another site."""
    dossier = dossier_for(connection, dose, signer)
    pair = _latest_pair(connection, dossier, dose, now, _minutes(dossier, signer, "bedside_pair_min"))
    entry, verdict = _latest_verdict(connection, dose)
    newest_scan = max((d.recorded_at for d in dossier.deeds(dose, BedsideScanned)), default=None)
    # A scan after the verdict makes the verdict old: both people check again.
    if verdict is not None and (newest_scan is None or verdict.judged_at < newest_scan):
        entry, verdict = None, None
    life = _minutes(dossier, signer, "verdict_minutes")
    fold = DoseFold(dossier, dose, StudyFold(dossier, study_of_signer(signer)))
    return BedsideState(
        dose=dose,
        bags=fold.released_bags,
        scanned=tuple((d.signers[0], d.recorded_at) for d in pair),
        verdict=verdict,
        verdict_entry=entry,
        valid_until=None if verdict is None else verdict.judged_at + life,
        waiting_start=None if verdict is None else _waiting_start(connection, dose, verdict.judged_at),
        started=fold.started is not None,
        ended=dossier.last(dose, InfusionEnded) is not None,
    )


def seen_state(connection: Connection, dose: DoseId, signer: Signer, viewer: Viewer, now: datetime) -> Seen[BedsideState]:
    """The same for a page: the verdict as this viewer may read it."""
    found = state(connection, dose, signer, now)
    return Seen(found if found.verdict is None else replace(found, verdict=verdict_shown(viewer, found.verdict)))


def sign_start(
    connection: Connection, dose: DoseId, signer: Signer, person: PersonId, now: datetime, *, scans_shown: Digest, proposal: Digest | None
) -> Outcome | None:
    """Sign the start as one of the two who scanned; the second signature judges again and starts, or stops.

    `scans_shown` is the digest of the signer's own scans as the page showed them, `proposal` the start already waiting there.
    None when this person's signature stands already (the form was sent twice). Raises StaleError when the GO is too old or the page is.
    """
    at_bed = state(connection, dose, signer, now)
    waiting = at_bed.waiting_start
    if at_bed.started or (waiting is not None and any(signed.person == person for signed in waiting.signers)):
        return None
    if not at_bed.is_go(now) or at_bed.verdict is None:
        raise StaleError("there is no GO that still counts; both people scan again", code="verdict_too_old")
    if person.value not in at_bed.verdict.persons:
        raise NotPermittedError("only the two people who scanned may sign the start", code="not_of_the_pair")
    mine = start_for(connection, dose, signer, person, now)
    if scans_digest(mine.scans) != scans_shown or (waiting.proposal if waiting is not None else None) != proposal:
        raise StaleError("this changed while you were looking; look again before you sign", code="stale")
    if waiting is not None:
        return countersign(connection, dose, waiting.proposal, signer, now, answers=mine)
    _withdraw_older(connection, dose, signer, now)
    return record(connection, mine, signer, now)


def start_for(connection: Connection, dose: DoseId, signer: Signer, person: PersonId, now: datetime) -> InfusionStarted:
    """The start as this person scanned it: what they sign, or repeat. Raises NotFoundError when they have not scanned."""
    dossier = dossier_for(connection, dose, signer)
    scanned = [d for d in dossier.deeds(dose, BedsideScanned) if d.signers[0].person == person]
    if not scanned:
        raise NotFoundError("scan wristband and bag first", code="scan_first")
    return _as_start(dossier, dose, study_of_signer(signer), scanned[-1], now)


def scans_digest(scans: BedsideScans) -> Digest:
    """What stands for one person's scans on the page where they sign them."""
    return proposal_digest(BedsideScanned(dose=DoseId("SCANS"), scans=scans))


def unreachable(dose: DoseId, now: datetime) -> Verdict:
    """CANNOT CHECK: the record could not be reached, so there is no verdict; treated as STOP."""
    finding = Finding(gate="SYS-ERROR", revision=1, outcome=Blocked(Reason("record_unreachable")))
    return Verdict(hold_point=HoldPoint.BEDSIDE, subject=dose, judged_at=now, findings=(finding,))


def dossier_for(connection: Connection, dose: DoseId, signer: Signer) -> Dossier:
    """The dose's dossier, for people of its study at a site that has to do with it. Raises NotFoundError for everybody else."""
    study = study_of_signer(signer)
    dossier = dossier_of(connection, (dose, signer.account, study))
    deeds: tuple[Deed[Act], ...] = dossier.deeds(dose)
    if deeds[:1] and deeds[0].began.study not in {None, study}:
        deeds = ()
    if not any(deed.began.by.site == signer.site for deed in deeds):
        raise NotFoundError(f"there is no dose {dose}", code="unknown_thing", kind="dose", seen=dose)
    return dossier


def study_of_signer(signer: Signer) -> StudyId:
    if signer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    return signer.study


def _minutes(dossier: Dossier, signer: Signer, setting: str) -> timedelta:
    settings = StudyFold(dossier, study_of_signer(signer)).criteria_now.settings
    return timedelta(minutes=float(getattr(settings, setting)))


def _latest_pair(
    connection: Connection, dossier: Dossier, dose: DoseId, now: datetime, within: timedelta
) -> tuple[Deed[BedsideScanned], ...]:
    """The latest scans of the two people who scanned last, first scanner first; old and judged scans do not count."""
    _, verdict = _latest_verdict(connection, dose)
    latest: dict[PersonId, Deed[BedsideScanned]] = {}
    for deed in dossier.deeds(dose, BedsideScanned):
        if now - deed.recorded_at <= within and (verdict is None or deed.recorded_at > verdict.judged_at):
            latest.pop(deed.signers[0].person, None)
            latest[deed.signers[0].person] = deed
    return tuple(latest.values())[-2:]


def _as_start(dossier: Dossier, dose: DoseId, study: StudyId, deed: Deed[BedsideScanned], now: datetime) -> InfusionStarted:
    fold = DoseFold(dossier, dose, StudyFold(dossier, study))
    return InfusionStarted(
        dose=dose,
        participant=fold.participant,
        cohort=fold.cohort.id,
        bag=deed.act.scans.bag,
        scans=deed.act.scans,
        started_at=now,
    )


def _latest_verdict(connection: Connection, dose: DoseId) -> tuple[Digest | None, VerdictGiven | None]:
    entry = entries.newest_of(connection, dose.key, VerdictGiven.rule.name)
    if entry is None or not isinstance(entry.act, VerdictGiven) or entry.act.hold_point is not HoldPoint.BEDSIDE:
        return None, None
    return entry.digest, entry.act


def _starts_waiting(connection: Connection, dose: DoseId) -> tuple[WaitingStart, ...]:
    stream = entries.load_streams(connection, [dose.key])[dose.key]
    return tuple(
        WaitingStart(proposal=proposed_of(entry).proposal, signers=signers, signed_at=entry.recorded_at)
        for entry, signers in pending_proposals(stream)
        if proposed_of(entry).act == InfusionStarted.rule.name
    )


def _waiting_start(connection: Connection, dose: DoseId, judged_at: datetime) -> WaitingStart | None:
    """The start signed after the verdict that stands; one from before it was checked anew and counts no more."""
    return next((start for start in reversed(_starts_waiting(connection, dose)) if start.signed_at >= judged_at), None)


def _withdraw_older(connection: Connection, dose: DoseId, signer: Signer, now: datetime) -> None:
    for start in _starts_waiting(connection, dose):
        withdraw(connection, dose, start.proposal, signer, "checked again at the bed", now)


def _broken(dose: DoseId, error: LedgerBrokenError, now: datetime) -> Verdict:
    reason = Reason("ledger_broken", where=str(error.values.get("stream", "")), position=str(error.values.get("position", "")))
    return Verdict(
        hold_point=HoldPoint.BEDSIDE,
        subject=dose,
        judged_at=now,
        findings=(Finding(gate="SYS-LEDGER", revision=1, outcome=Blocked(reason)),),
    )
