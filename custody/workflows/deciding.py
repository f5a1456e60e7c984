"""Writes what becomes of an act: a proposal, a countersignature, the act with its verdict and consequences, or the STOP that kept it out.

Returning commits, raising rolls back: a STOP is returned, because it must be kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from custody.domain.acts.base import Act, field_types
from custody.domain.acts.codec import body_of
from custody.domain.acts.record import Corrected, Countersigned, Proposed
from custody.domain.acts.study import ClockSetRight
from custody.domain.dossier import pending_proposals
from custody.domain.ids import Digest, Identifier
from custody.domain.terms import VerdictWord
from custody.domain.verdict import Verdict
from custody.errors import InputError, StaleError
from custody.ledger.canonical import canonical
from custody.store import entries, sessions
from custody.store.entries import NewEntry
from custody.workflows.consequences import checked_elsewhere, failed_before_freed, holds_of, late_failure
from custody.workflows.correcting import elsewhere
from custody.workflows.job import Job
from custody.workflows.judging import clock_set_back, judge, kept
from custody.workflows.order import guarding_rule, judged_act, proposed_of
from custody.workflows.outcome import Kind, Outcome


def propose(job: Job) -> Outcome:
    """The first of several signatures: an entry without effect, until the last one comes."""
    point = guarding_rule(job.act).hold_point
    unsure = clock_set_back(point, job.act, job.dossier, job.study, job.now) if point is not None and job.study is not None else None
    if unsure is not None:
        return _outcome(job, "cannot_check", verdict=unsure)
    stream = entries.load_streams(job.connection, [job.act.subject.key])[job.act.subject.key]
    waiting = (proposed_of(entry) for entry, _ in pending_proposals(stream))
    if any(each.proposal == job.proposal and job.now < each.expires_at for each in waiting):
        raise StaleError("the same proposal is waiting already", code="proposed_already")
    proposed = Proposed(
        node=job.act.subject,
        proposal=job.proposal,
        act=job.act.rule.name,
        act_version=job.act.rule.version,
        body=canonical(body_of(job.act)).decode(),
        expires_at=job.now + job.proposal_waits,
    )
    (written,) = entries.append(job.connection, [job.own_entry(proposed)], recorded_at=job.now)
    return _outcome(job, "waiting", entry=written.digest, proposal=job.proposal)


def join(job: Job) -> Outcome:
    """A signature between the first and the last: it counts, and nothing is decided yet."""
    (written,) = entries.append(job.connection, [job.own_entry(_own_act(job))], recorded_at=job.now)
    return _outcome(job, "waiting", entry=written.digest, proposal=job.proposal)


def decide(job: Job) -> Outcome:
    """Every signature is there: the hold point decides, and what it said is kept, go or no-go."""
    point = guarding_rule(job.act).hold_point
    if point is None:
        check_repeated(job)
        return _recorded(job, None)
    if job.study is None:
        raise InputError(f"“{job.act.rule.title}” belongs to no study, so nothing says how to judge it", code="no_study")
    verdict = judge(point, judged_act(job.act), job.signers, job.known, job.study, job.now, job.second)
    if any(f.gate == "SYS-CLOCK" for f in verdict.blocking):
        # A time that cannot be trusted must not become the time of an entry.
        return _outcome(job, "cannot_check", verdict=verdict, proposal=job.proposal)
    if verdict.is_go:
        check_repeated(job)
        return _recorded(job, verdict)
    return _stopped(job, verdict)


def check_repeated(job: Job) -> None:
    """What the second person scanned and read must equal the first's; where an act marks nothing as scanned, all of it must.

    Raises InputError naming what differs.
    """
    if job.second is None or guarding_rule(job.act).second != "repeat":
        return
    act = judged_act(job.act)
    first, second = dict(_scanned(act)), dict(_scanned(job.second))
    if not first:
        first, second = body_of(act), body_of(job.second)
    differing = [name for name, value in first.items() if value != second.get(name)]
    if job.second.subject != act.subject and act.rule.subject_field not in differing:
        differing.append(act.rule.subject_field)
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


def _stopped(job: Job, verdict: Verdict) -> Outcome:
    """The verdict and the holds it places; a proposal goes on waiting. CANNOT CHECK holds nothing and is asked again."""
    new = [job.found(_kept(job, verdict)), *(job.found(hold) for hold in holds_of(verdict, job.dossier))]
    written = entries.append(job.connection, new, recorded_at=job.now)
    kind: Kind = "cannot_check" if verdict.word is VerdictWord.CANNOT_CHECK else "stopped"
    return _outcome(job, kind, verdict=verdict, verdict_entry=written[0].digest, proposal=job.proposal)


def _recorded(job: Job, verdict: Verdict | None) -> Outcome:
    """The act (or the signature that puts it in effect), after the verdict that let it pass and before what it brings about."""
    first = [] if verdict is None else [job.found(_kept(job, verdict))]
    new = [*first, job.own_entry(_own_act(job)), *_brought_about(job)]
    begins_anew = isinstance(job.act, ClockSetRight)
    written = entries.append(job.connection, new, recorded_at=job.now, begins_anew=begins_anew)
    if begins_anew:
        sessions.end_those_ahead(job.connection, now=job.now)
    return _outcome(
        job,
        "recorded",
        entry=written[len(first)].digest,
        verdict=verdict,
        verdict_entry=written[0].digest if first else None,
        proposal=job.proposal,
    )


def _brought_about(job: Job) -> Iterator[NewEntry]:
    """The same deed in other streams; for a correction the same correction there. And the holds of a bad result."""
    corrected = isinstance(job.act, Corrected)
    facts = elsewhere(job.act, job.dossier) if isinstance(job.act, Corrected) else checked_elsewhere(job.act, job.dossier, job.study)
    for fact in facts:
        yield job.found(fact) if corrected else job.beside(fact)
    judged = judged_act(job.act)
    for find in (late_failure, failed_before_freed):
        for hold in find(judged, job.known, job.study, job.now):
            yield job.found(hold)


def _own_act(job: Job) -> Act:
    """The act itself, or the countersignature that puts it in effect."""
    meaning = job.signers[-1].meaning
    if len(guarding_rule(job.act).slots) < 2 or meaning is None:
        return job.act
    answers = "" if job.second is None else canonical(body_of(job.second)).decode()
    return Countersigned(node=job.act.subject, proposal=job.proposal, meaning=meaning, answers=answers)


def _kept(job: Job, verdict: Verdict) -> Act:
    return kept(verdict, job.act, job.proposal, job.signers, job.dossier, job.study)


def _outcome(
    job: Job,
    kind: Kind,
    *,
    entry: Digest | None = None,
    proposal: Digest | None = None,
    verdict: Verdict | None = None,
    verdict_entry: Digest | None = None,
) -> Outcome:
    return Outcome(
        kind=kind,
        subject=job.act.subject,
        act=job.act.rule.name,
        entry=entry,
        proposal=proposal,
        verdict=verdict,
        verdict_entry=verdict_entry,
    )
