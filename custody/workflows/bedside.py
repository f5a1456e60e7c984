"""The bedside: two people scan alone, the server decides, both sign; the same rules run again in the transaction that starts the infusion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.domain.acts.bedside import BedsideScanned, BedsideScans, DoseBagReleased, InfusionEnded, InfusionStarted
from custody.domain.acts.record import VerdictGiven
from custody.domain.dossier import Deed, Dossier, Signed
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BagId, Digest, DoseId, PersonId, StudyId
from custody.domain.terms import HoldPoint, VerdictWord
from custody.domain.verdict import Blocked, Finding, Reason, Verdict
from custody.errors import LedgerBrokenError, NotFoundError
from custody.store import entries
from custody.store.entries import NewEntry
from custody.workflows.dossiers import dossier_of
from custody.workflows.judging import judge, kept, roots_of
from custody.workflows.outcome import proposal_digest
from custody.workflows.signer import Signer, signed_now


@dataclass(frozen=True, kw_only=True)
class BedsideState:
    """Where a bedside check stands: who has scanned lately, the verdict and until when it counts, and who must still sign."""

    dose: DoseId
    bags: tuple[BagId, ...]
    scanned: tuple[tuple[Signed, datetime], ...]
    verdict: VerdictGiven | None
    verdict_entry: Digest | None
    valid_until: datetime | None
    started: bool
    ended: bool


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A verdict just given, and the entry that keeps it (None when nothing could be kept)."""

    verdict: Verdict
    entry: Digest | None


def check(connection: Connection, dose: DoseId, signer: Signer, now: datetime) -> Checked | None:
    """Judge the dose from the latest scans of two people; None while only one person has scanned.

    The verdict is an entry in the same transaction, go or no-go. Raises NotFoundError for an unknown dose.
    """
    try:
        dossier = _dossier(connection, dose, signer)
    except LedgerBrokenError as error:
        return Checked(verdict=_broken(dose, error, now), entry=None)
    pair = _latest_pair(dossier, dose, now, _minutes(dossier, signer, "bedside_pair_min"))
    if len(pair) < 2:
        return None
    study = _study(signer)
    first, second = (_as_start(dossier, dose, study, deed, now) for deed in pair)
    dossier = dossier_of(connection, (*roots_of(first, study), *roots_of(second), *(d.signers[0].account for d in pair)))
    signers = tuple(deed.signers[0] for deed in pair)
    verdict = judge(HoldPoint.BEDSIDE, first, signers, dossier, study, now, second)
    if verdict.word is VerdictWord.CANNOT_CHECK:
        return Checked(verdict=verdict, entry=None)
    given = kept(verdict, first, proposal_digest(first), signers, dossier, study)
    from custody.workflows.consequences import holds_of  # noqa: PLC0415 - only a STOP needs it

    by = signed_now(signer, BedsideScanned.rule, 0, dossier, now)
    acts = (given, *(() if verdict.is_go else holds_of(verdict, dossier)))
    new = [NewEntry(act=act, happened_at=now, by=by, study=study, station=signer.station) for act in acts]
    written = entries.append(connection, new, recorded_at=now)
    return Checked(verdict=verdict, entry=written[0].digest)


def start_for(connection: Connection, dose: DoseId, signer: Signer, person: PersonId, now: datetime) -> InfusionStarted:
    """The start as this person scanned it: what they sign, or repeat. Raises NotFoundError when they have not scanned."""
    dossier = _dossier(connection, dose, signer)
    scanned = [d for d in dossier.deeds(dose, BedsideScanned) if d.signers[0].person == person]
    if not scanned:
        raise NotFoundError("scan wristband and bag first", code="scan_first")
    return _as_start(dossier, dose, _study(signer), scanned[-1], now)


def state(connection: Connection, dose: DoseId, signer: Signer, now: datetime) -> BedsideState:
    """What the page of the bedside shows. Raises NotFoundError for an unknown dose."""
    dossier = _dossier(connection, dose, signer)
    pair = _latest_pair(dossier, dose, now, _minutes(dossier, signer, "bedside_pair_min"))
    entry, verdict = _latest_verdict(connection, dose)
    newest_scan = max((d.recorded_at for d in pair), default=None)
    # A scan after the verdict makes the verdict old: both people check again.
    if verdict is not None and (newest_scan is None or verdict.judged_at < newest_scan):
        entry, verdict = None, None
    life = _minutes(dossier, signer, "verdict_minutes")
    return BedsideState(
        dose=dose,
        bags=tuple(d.act.bag for d in dossier.deeds(dose, DoseBagReleased)),
        scanned=tuple((d.signers[0], d.recorded_at) for d in pair),
        verdict=verdict,
        verdict_entry=entry,
        valid_until=None if verdict is None else verdict.judged_at + life,
        started=dossier.last(dose, InfusionStarted) is not None,
        ended=dossier.last(dose, InfusionEnded) is not None,
    )


def scans_act(dose: DoseId, scans: BedsideScans) -> BedsideScanned:
    return BedsideScanned(dose=dose, scans=scans)


def unreachable(dose: DoseId, now: datetime) -> Verdict:
    """CANNOT CHECK: the record could not be reached, so there is no verdict; treated as STOP."""
    finding = Finding(gate="SYS-ERROR", revision=1, outcome=Blocked(Reason("record_unreachable")))
    return Verdict(hold_point=HoldPoint.BEDSIDE, subject=dose, judged_at=now, findings=(finding,))


def _dossier(connection: Connection, dose: DoseId, signer: Signer) -> Dossier:
    dossier = dossier_of(connection, (dose, signer.account, _study(signer)))
    if not dossier.knows(dose):
        raise NotFoundError(f"there is no dose {dose}", code="unknown_thing", kind="dose", seen=dose)
    return dossier


def _study(signer: Signer) -> StudyId:
    if signer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    return signer.study


def _minutes(dossier: Dossier, signer: Signer, setting: str) -> timedelta:
    settings = StudyFold(dossier, _study(signer)).criteria_now.settings
    return timedelta(minutes=float(getattr(settings, setting)))


def _latest_pair(dossier: Dossier, dose: DoseId, now: datetime, within: timedelta) -> tuple[Deed[BedsideScanned], ...]:
    """The latest scans of the two people who scanned last, first scanner first; old scans do not count."""
    latest: dict[PersonId, Deed[BedsideScanned]] = {}
    for deed in dossier.deeds(dose, BedsideScanned):
        if now - deed.recorded_at <= within:
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
    for entry in reversed(entries.load_evidence(connection, dose.key)):
        if isinstance(entry.act, VerdictGiven) and entry.act.hold_point is HoldPoint.BEDSIDE:
            return entry.digest, entry.act
    return None, None


def _broken(dose: DoseId, error: LedgerBrokenError, now: datetime) -> Verdict:
    reason = Reason("ledger_broken", where=str(error.values.get("stream", "")), position=str(error.values.get("position", "")))
    return Verdict(
        hold_point=HoldPoint.BEDSIDE,
        subject=dose,
        judged_at=now,
        findings=(Finding(gate="SYS-LEDGER", revision=1, outcome=Blocked(reason)),),
    )


