"""One way in: checks duty, order and hold point, then appends the act and the verdict in one transaction (design section 3).

Returning commits, raising rolls back: a STOP is returned, because it must be kept.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from custody.domain.acts.base import Act, field_types
from custody.domain.acts.codec import body_of
from custody.domain.acts.record import Corrected, Countersigned, ProposalWithdrawn, Proposed
from custody.domain.dossier import Dossier, Entry, Signed, pending_proposals, signatures_needed
from custody.domain.duties import check_pair
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, Identifier, Node, StudyId
from custody.domain.verdict import Verdict
from custody.errors import InputError, LedgerBrokenError, NotPermittedError, StaleError
from custody.gates.hold_points import HOLD_POINTS, PAIR_CODES
from custody.ledger.canonical import canonical
from custody.store import entries
from custody.store.entries import NewEntry
from custody.workflows.checks import check
from custody.workflows.consequences import companions_of, holds_of
from custody.workflows.dossiers import dossier_of
from custody.workflows.judging import clock_set_back, judge, kept, ledger_broken, roots_of
from custody.workflows.order import check_order, guarding_rule, judged_act, proposed_act, proposed_of, study_of
from custody.workflows.outcome import Outcome, answered, proposal_digest, remembered
from custody.workflows.signer import Signer, signed_now

PROPOSAL_WAITS = timedelta(hours=12)
"""How long a proposal waits where no study says so."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """One act on its way in: who signs it, what is known, and, where it is repeated, what the second person read."""

    connection: Connection
    act: Act
    signer: Signer
    signers: tuple[Signed, ...]
    dossier: Dossier
    study: StudyId | None
    now: datetime
    happened_at: datetime
    proposal: Digest
    second: Act | None = None

    def entry(self, act: Act, *, signed: bool) -> NewEntry:
        by = self.signers[-1]
        if not signed:
            by = replace(by, meaning=None)
        return NewEntry(
            act=act,
            happened_at=self.happened_at,
            by=by,
            study=self.study,
            station=self.signer.station,
            signature=self._signature(by),
            idempotency_key=self.signer.key,
        )

    def _signature(self, by: Signed) -> dict[str, str] | None:
        if by.meaning is None:
            return None
        return {"meaning": by.meaning.value, "digest": self._signed_digest(by), "method": self.signer.method or ""}

    def _signed_digest(self, by: Signed) -> str:
        """The digest of exactly what was signed: the act, the meaning, the signer and the criteria in force (21 CFR 11.70)."""
        text = canonical(
            {
                "proposal": self.proposal.value,
                "meaning": by.meaning.value if by.meaning else None,
                "account": by.account.value,
                "person": by.person.value,
                "role": by.role.value,
                "criteria_version": self._criteria_version(),
            }
        )
        return hashlib.sha256(text).hexdigest()

    def _criteria_version(self) -> int | None:
        try:
            return None if self.study is None else StudyFold(self.dossier, self.study).criteria_now.version
        except MissingFact:
            return None


def record(
    connection: Connection,
    act: Act,
    signer: Signer,
    now: datetime,
    *,
    happened_at: datetime | None = None,
    digest_shown: Digest | None = None,
) -> Outcome:
    """Record what somebody did, or propose it where more than one person must sign.

    `digest_shown` is the digest of the act as the page showed it; another one means that it changed while they were looking.
    Raises NotPermittedError, NotFoundError, OutOfOrderError, StaleError, RepeatedKeyError, InputError: nothing is then recorded.
    """
    request = {"act": act.rule.name, "body": body_of(act)}
    before = answered(connection, signer, request)
    if before is not None:
        return before
    if act.rule.companion or act.rule.evidence or (act.rule.stage == "record" and not isinstance(act, Corrected)):
        raise NotPermittedError(f"“{act.rule.title}” is written by custody itself", code="not_by_hand")
    proposal = proposal_digest(act)
    if digest_shown is not None and digest_shown != proposal:
        raise StaleError("this changed while you were looking; look again before you sign", code="stale")
    try:
        dossier = dossier_of(connection, _roots(act, signer))
    except LedgerBrokenError as error:
        return _cannot_check(act, error, now)
    by = signed_now(signer, guarding_rule(act), 0, dossier, now)
    job = _Job(
        connection=connection,
        act=act,
        signer=signer,
        signers=(by,),
        dossier=dossier,
        study=study_of(act, dossier, signer),
        now=now,
        happened_at=happened_at or now,
        proposal=proposal,
    )
    check_order(act, dossier)
    check(judged_act(act), dossier)
    outcome = _propose(job) if len(guarding_rule(act).slots) > 1 else _decide(job)
    return remembered(connection, signer, request, outcome, now)


def countersign(
    connection: Connection, subject: Node, proposal: Digest, signer: Signer, now: datetime, *, answers: Act | None = None
) -> Outcome:
    """Join a waiting proposal. The hold point runs when this is the last signature; a STOP leaves the proposal waiting.

    `answers` is the act as this person scanned and read it, for acts that must be repeated.
    Raises as `record`, and StaleError when the proposal is gone or has expired.
    """
    request = {"countersign": proposal.value, "answers": None if answers is None else body_of(answers)}
    before = answered(connection, signer, request)
    if before is not None:
        return before
    entry, so_far = find_proposal(connection, subject, proposal)
    act = proposed_act(entry)
    try:
        others = (s.account for s in so_far)
        dossier = dossier_of(connection, (*_roots(act, signer), *(_roots(answers, signer) if answers else ()), *others))
    except LedgerBrokenError as error:
        return _cannot_check(act, error, now)
    _check_countersignature(entry, act, so_far, answers, now)
    by = signed_now(signer, guarding_rule(act), len(so_far), dossier, now)
    job = _Job(
        connection=connection,
        act=act,
        signer=signer,
        signers=(*so_far, by),
        dossier=dossier,
        study=study_of(act, dossier, signer),
        now=now,
        happened_at=now,
        proposal=proposal,
        second=answers,
    )
    check_pair(guarding_rule(act), job.signers, gate_has_code=_pair_has_code(act))
    check_order(act, dossier)
    check(judged_act(act), dossier)
    last = len(job.signers) >= signatures_needed(proposed_of(entry))
    outcome = _decide(job) if last else _append(job, None)
    return remembered(connection, signer, request, outcome, now)


def withdraw(connection: Connection, subject: Node, proposal: Digest, signer: Signer, reason: str, now: datetime) -> Outcome:
    """Take a waiting proposal back; anyone who may sign it at its first place may. Raises as `countersign`."""
    entry, _ = find_proposal(connection, subject, proposal)
    act = proposed_act(entry)
    dossier = dossier_of(connection, _roots(act, signer))
    by = signed_now(replace(signer, method=signer.method or "session"), guarding_rule(act), 0, dossier, now)
    job = _Job(
        connection=connection,
        act=act,
        signer=signer,
        signers=(by,),
        dossier=dossier,
        study=entry.study,
        now=now,
        happened_at=now,
        proposal=proposal,
    )
    taken_back = ProposalWithdrawn(node=subject, proposal=proposal, reason=reason)
    (written,) = entries.append(connection, [job.entry(taken_back, signed=False)], recorded_at=now)
    return Outcome(kind="recorded", subject=subject, act=taken_back.rule.name, entry=written.digest)


def find_proposal(connection: Connection, subject: Node, proposal: Digest) -> tuple[Entry, tuple[Signed, ...]]:
    """A proposal that still waits, with who has signed. Raises StaleError when it is done, withdrawn or unknown."""
    stream = entries.load_streams(connection, [subject.key])[subject.key]
    for entry, signers in pending_proposals(stream):
        if proposed_of(entry).proposal == proposal:
            return entry, signers
    raise StaleError("this proposal is no longer waiting: it was signed, withdrawn or never made", code="proposal_gone")


def _check_countersignature(entry: Entry, act: Act, so_far: tuple[Signed, ...], answers: Act | None, now: datetime) -> None:
    assert so_far
    if proposed_of(entry).expires_at <= now:
        raise StaleError("this proposal has expired; begin again", code="proposal_expired")
    if guarding_rule(act).second == "repeat" and answers is None:
        raise InputError("the second person must scan and read everything again", code="answers_needed")


def _pair_has_code(act: Act) -> bool:
    point = guarding_rule(act).hold_point
    return point is not None and not PAIR_CODES.isdisjoint(HOLD_POINTS[point])


def _propose(job: _Job) -> Outcome:
    """The first of several signatures: an entry without effect, until the last one comes."""
    point = guarding_rule(job.act).hold_point
    unsure = clock_set_back(point, job.act, job.dossier, job.study, job.now) if point is not None and job.study is not None else None
    if unsure is not None:
        return Outcome(kind="cannot_check", subject=job.act.subject, act=job.act.rule.name, verdict=unsure)
    proposed = Proposed(
        node=job.act.subject,
        proposal=job.proposal,
        act=job.act.rule.name,
        act_version=job.act.rule.version,
        body=canonical(body_of(job.act)).decode(),
        expires_at=job.now + PROPOSAL_WAITS,
    )
    waiting = (proposed_of(e).proposal for e, _ in pending_proposals(_stream(job)))
    if job.proposal in waiting:
        raise StaleError("the same proposal is waiting already", code="proposed_already")
    (written,) = entries.append(job.connection, [job.entry(proposed, signed=True)], recorded_at=job.now)
    return Outcome(
        kind="waiting", subject=job.act.subject, act=job.act.rule.name, entry=written.digest, proposal=job.proposal
    )


def _stream(job: _Job) -> tuple[Entry, ...]:
    return entries.load_streams(job.connection, [job.act.subject.key])[job.act.subject.key]


def _decide(job: _Job) -> Outcome:
    """Every signature is there: the hold point decides, and what it said is kept, go or no-go."""
    point = guarding_rule(job.act).hold_point
    if point is None:
        _check_repeated(job)
        return _append(job, None)
    if job.study is None:
        raise InputError(f"“{job.act.rule.title}” belongs to no study, so nothing says how to judge it", code="no_study")
    known = job.dossier.without(job.act.subject, job.act.entry) if isinstance(job.act, Corrected) else job.dossier
    verdict = judge(point, judged_act(job.act), job.signers, known, job.study, job.now, job.second)
    if any(f.gate == "SYS-CLOCK" for f in verdict.blocking):
        # A time that cannot be trusted must not become the time of an entry.
        return Outcome(kind="cannot_check", subject=job.act.subject, act=job.act.rule.name, verdict=verdict, proposal=job.proposal)
    if verdict.is_go:
        _check_repeated(job)
        return _append(job, verdict)
    return _stopped(job, verdict)


def _stopped(job: _Job, verdict: Verdict) -> Outcome:
    stop = kept(verdict, job.act, job.proposal, job.signers, job.dossier, job.study)
    new = [job.entry(stop, signed=False), *(job.entry(hold, signed=False) for hold in holds_of(verdict, job.dossier))]
    written = entries.append(job.connection, new, recorded_at=job.now)
    return Outcome(
        kind="stopped",
        subject=job.act.subject,
        act=job.act.rule.name,
        verdict=verdict,
        verdict_entry=written[0].digest,
        proposal=job.proposal,
    )


def _append(job: _Job, verdict: Verdict | None) -> Outcome:
    new = []
    if verdict is not None:
        new.append(job.entry(kept(verdict, job.act, job.proposal, job.signers, job.dossier, job.study), signed=False))
    complete = len(job.signers) >= max(1, len(guarding_rule(job.act).slots))
    new.append(job.entry(_own_entry(job), signed=True))
    if complete:
        others = companions_of(job.act, job.dossier, job.study, job.now)
        for other in others:
            check_order(other, job.dossier)
        new += [job.entry(other, signed=False) for other in others]
    written = entries.append(job.connection, new, recorded_at=job.now)
    return Outcome(
        kind="recorded" if complete else "waiting",
        subject=job.act.subject,
        act=job.act.rule.name,
        entry=written[1 if verdict is not None else 0].digest,
        verdict=verdict,
        verdict_entry=written[0].digest if verdict is not None else None,
        proposal=job.proposal,
    )


def _own_entry(job: _Job) -> Act:
    """The act itself, or the countersignature that puts it in effect."""
    meaning = job.signers[-1].meaning
    if len(guarding_rule(job.act).slots) < 2 or meaning is None:
        return job.act
    answers = "" if job.second is None else canonical(body_of(job.second)).decode()
    return Countersigned(node=job.act.subject, proposal=job.proposal, meaning=meaning, answers=answers)


def _check_repeated(job: _Job) -> None:
    """What the second person scanned and read must equal the first's; where an act marks nothing as scanned, all of it must."""
    if job.second is None or guarding_rule(job.act).second != "repeat":
        return
    act = judged_act(job.act)
    first, second = dict(_scanned(act)), dict(_scanned(job.second))
    if not first:
        first, second = body_of(act), body_of(job.second)
    differing = [name for name, value in first.items() if value != second.get(name)]
    if differing:
        raise InputError(
            f"the two readings differ in: {', '.join(differing)}; look at the thing itself and read it again",
            code="readings_differ",
            field=differing[0],
            fields=tuple(differing),
        )


def _scanned(value: Any) -> Iterator[tuple[str, Any]]:
    """Everything marked as scanned in an act, its parts included."""
    for name, field in field_types(type(value)).items():
        content = getattr(value, name)
        if field.scanned:
            yield name, content
        elif dataclasses.is_dataclass(content) and not isinstance(content, Identifier):
            yield from _scanned(content)


def _roots(act: Act, signer: Signer) -> tuple[Node, ...]:
    study = () if signer.study is None else (signer.study,)
    return roots_of(judged_act(act), act.subject, signer.account, *study)


def _cannot_check(act: Act, error: LedgerBrokenError, now: datetime) -> Outcome:
    point = guarding_rule(act).hold_point
    if point is None:
        raise error
    return Outcome(kind="cannot_check", subject=act.subject, act=act.rule.name, verdict=ledger_broken(point, act, error, now))

