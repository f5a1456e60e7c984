"""One way in: checks duty, order and hold point, then appends the act and the verdict in one transaction (design section 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.codec import body_of
from custody.domain.acts.people import SecretSet
from custody.domain.acts.record import Corrected, ProposalWithdrawn
from custody.domain.dossier import Dossier, Entry, Signed, pending_proposals
from custody.domain.duties import check_pair, check_together
from custody.domain.ids import Digest, Node, StudyId
from custody.domain.scope import OF_NO_STUDY
from custody.domain.terms import Role
from custody.errors import InputError, LedgerBrokenError, NotFoundError, NotPermittedError, StaleError
from custody.gates.hold_points import HOLD_POINTS, PAIR_CODES
from custody.store import entries
from custody.workflows import sight
from custody.workflows.checks import check, check_one_account, check_own_part
from custody.workflows.correcting import check_correction, check_readable, without_wrong
from custody.workflows.deciding import decide, join, propose
from custody.workflows.dossiers import dossier_of
from custody.workflows.job import PROPOSAL_WAITS, Job
from custody.workflows.judging import clock_set_back, ledger_broken, roots_of
from custody.workflows.line_clearance import check_line
from custody.workflows.order import check_order, guarding_rule, judged_act, proposed_act, proposed_of, study_of
from custody.workflows.outcome import Outcome, answered, proposal_digest, remembered, request_digest
from custody.workflows.signer import Signer, signed_now
from custody.workflows.times import future_in

__all__ = ["PROPOSAL_WAITS", "countersign", "find_proposal", "record", "withdraw"]


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
    request = request_digest(
        signer, {"act": act.rule.name, "body": body_of(act), "happened_at": None if happened_at is None else happened_at.isoformat()}
    )
    before = answered(connection, signer, request)
    if before is not None:
        return before
    _check_by_hand(act)
    check_readable(act)
    proposal = proposal_digest(act)
    if digest_shown is not None and digest_shown != proposal:
        raise StaleError("this changed while you were looking; look again before you sign", code="stale")
    if happened_at is not None and happened_at > now:
        raise InputError("this lies in the future; write when it happened", code="in_future", field="happened_at")
    try:
        dossier = dossier_of(connection, _roots(act, signer))
    except LedgerBrokenError as error:
        return _cannot_check(act, error, now)
    by = signed_now(signer, guarding_rule(act), 0, dossier, now)
    check_own_part(judged_act(act), by, dossier)
    study = study_of(act, dossier, signer, sight.reader(connection))
    check_line(connection, act, dossier, signer.workstation, happened_at or now)
    job = Job(
        connection=connection,
        act=act,
        signer=signer,
        signers=(by,),
        dossier=dossier,
        known=_fitting(connection, act, dossier, study, now),
        study=study,
        now=now,
        happened_at=happened_at or now,
        deed_at=happened_at or now,
        proposal=proposal,
    )
    outcome = decide(job) if job.is_complete else propose(job)
    return remembered(connection, signer, request, outcome, now)


def countersign(
    connection: Connection, subject: Node, proposal: Digest, signer: Signer, now: datetime, *, answers: Act | None = None
) -> Outcome:
    """Join a waiting proposal. The hold point runs when this is the last signature; a STOP leaves the proposal waiting.

    `answers` is the act as this person scanned and read it, for acts that must be repeated.
    Raises as `record`, and StaleError when the proposal is gone or has expired.
    """
    request = request_digest(signer, {"countersign": proposal.value, "answers": None if answers is None else body_of(answers)})
    before = answered(connection, signer, request)
    if before is not None:
        return before
    entry, so_far = _waiting_for(connection, subject, proposal, signer)
    act = proposed_act(entry)
    try:
        others = (s.account for s in so_far)
        dossier = dossier_of(connection, (*_roots(act, signer), *(_roots(answers, signer) if answers else ()), *others))
    except LedgerBrokenError as error:
        return _cannot_check(act, error, now)
    study = study_of(act, dossier, signer, sight.reader(connection))
    _check_countersignature(entry, act, answers, now)
    by = signed_now(signer, guarding_rule(act), len(so_far), dossier, now)
    check_own_part(judged_act(act), by, dossier)
    check_pair(guarding_rule(act), (*so_far, by), gate_has_code=_pair_has_code(act))
    if not isinstance(act, Corrected):
        check_together(guarding_rule(act), (*so_far, by))
    job = Job(
        connection=connection,
        act=act,
        signer=signer,
        signers=(*so_far, by),
        dossier=dossier,
        known=_fitting(connection, act, dossier, study, now),
        study=study,
        now=now,
        happened_at=now,
        # Of what was written down later the first signer said when it was; otherwise it happens now, with the last signature.
        deed_at=entry.happened_at if entry.happened_at < entry.recorded_at else now,
        proposal=proposal,
        second=answers,
    )
    outcome = decide(job) if job.is_complete else join(job)
    return remembered(connection, signer, request, outcome, now)


def withdraw(connection: Connection, subject: Node, proposal: Digest, signer: Signer, reason: str, now: datetime) -> Outcome:
    """Take a waiting proposal back; anyone who may sign it at its first place may, without signing. Raises as `countersign`."""
    request = request_digest(signer, {"withdraw": proposal.value, "reason": reason})
    # Another proposal may take its place in the same request, which has one key.
    keyed = signer if signer.key is None else replace(signer, key=f"{signer.key} withdraw {proposal.value[:16]}")
    before = answered(connection, keyed, request)
    if before is not None:
        return before
    if not reason.strip():
        raise InputError("write the reason", code="reason_needed", field="reason")
    entry, _ = _waiting_for(connection, subject, proposal, signer)
    act = proposed_act(entry)
    dossier = dossier_of(connection, _roots(act, signer))
    study_of(act, dossier, signer, sight.reader(connection))
    by = signed_now(signer, replace(guarding_rule(act), slots=(), by=_first_roles(act)), 0, dossier, now)
    job = Job(
        connection=connection,
        act=act,
        signer=signer,
        signers=(by,),
        dossier=dossier,
        known=dossier,
        study=entry.study,
        now=now,
        happened_at=now,
        deed_at=now,
        proposal=proposal,
    )
    taken_back = ProposalWithdrawn(node=subject, proposal=proposal, reason=reason)
    (written,) = entries.append(connection, [job.own_entry(taken_back)], recorded_at=now)
    outcome = Outcome(kind="recorded", subject=subject, act=taken_back.rule.name, entry=written.digest)
    return remembered(connection, keyed, request, outcome, now)


def find_proposal(connection: Connection, subject: Node, proposal: Digest) -> tuple[Entry, tuple[Signed, ...]]:
    """A proposal that still waits, with who has signed. Raises StaleError when it is done, withdrawn or unknown."""
    stream = entries.load_streams(connection, [subject.key])[subject.key]
    for entry, signers in pending_proposals(stream):
        if proposed_of(entry).proposal == proposal:
            return entry, signers
    raise StaleError("this proposal is no longer waiting: it was signed, withdrawn or never made", code="proposal_gone")


def _waiting_for(connection: Connection, subject: Node, proposal: Digest, signer: Signer) -> tuple[Entry, tuple[Signed, ...]]:
    """The proposal, where it belongs to a study the signer works for; for anybody else it does not exist."""
    entry, so_far = find_proposal(connection, subject, proposal)
    if entry.study not in (None, signer.study) and signer.study is not None and subject.kind not in OF_NO_STUDY:
        raise NotFoundError(f"there is no {subject.kind} {subject}", code="unknown_thing", kind=subject.kind, seen=subject)
    return entry, so_far


def _check_by_hand(act: Act) -> None:
    """Raises NotPermittedError for what only custody writes: facts beside a deed, evidence, and secrets, which belong to a row."""
    by_custody = act.rule.companion or act.rule.evidence or isinstance(act, SecretSet)
    if by_custody or (act.rule.stage == Corrected.rule.stage and not isinstance(act, Corrected)):
        raise NotPermittedError(f"“{act.rule.title}” is written by custody itself", code="not_by_hand")


def _fitting(connection: Connection, act: Act, dossier: Dossier, study: StudyId | None, now: datetime) -> Dossier:
    """What the act is judged on, after every check that it fits what stands."""
    check_order(act, dossier)
    check_correction(act, dossier)
    known = without_wrong(act, dossier)
    check(judged_act(act), known)
    _check_not_ahead(connection, act, dossier, study, now)
    check_one_account(connection, act)
    return known


def _check_not_ahead(connection: Connection, act: Act, dossier: Dossier, study: StudyId | None, now: datetime) -> None:
    """Raises InputError for what is said to have happened in the future; that the server's own clock is wrong, the hold point says."""
    ahead = next(future_in(connection, judged_act(act), now), None)
    point = guarding_rule(act).hold_point
    if ahead is None:
        return
    if point is None or study is None or clock_set_back(point, judged_act(act), dossier, study, now) is None:
        raise ahead


def _check_countersignature(entry: Entry, act: Act, answers: Act | None, now: datetime) -> None:
    if proposed_of(entry).expires_at <= now:
        raise StaleError("this proposal has expired; begin again", code="proposal_expired")
    # A correction puts right what is written, often when the thing itself can no longer be read.
    repeats = guarding_rule(act).second == "repeat" and not isinstance(act, Corrected)
    if repeats and answers is None:
        raise InputError("the second person must scan and read everything again", code="answers_needed")
    if answers is not None and answers.rule.name != judged_act(act).rule.name:
        raise InputError("what was read again is another act; begin again", code="other_act_read")


def _first_roles(act: Act) -> frozenset[Role]:
    slots = guarding_rule(act).slots
    return slots[0].roles if slots else guarding_rule(act).by


def _pair_has_code(act: Act) -> bool:
    point = guarding_rule(act).hold_point
    return point is not None and not PAIR_CODES.isdisjoint(HOLD_POINTS[point])


def _roots(act: Act, signer: Signer) -> tuple[Node, ...]:
    study = () if signer.study is None else (signer.study,)
    return roots_of(judged_act(act), act.subject, signer.account, *study)


def _cannot_check(act: Act, error: LedgerBrokenError, now: datetime) -> Outcome:
    point = guarding_rule(act).hold_point
    if point is None:
        raise error
    return Outcome(kind="cannot_check", subject=act.subject, act=act.rule.name, verdict=ledger_broken(point, act, error, now))
