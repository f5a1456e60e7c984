"""Verdicts under other settings, and with acts that only custody itself writes (companions), which no person can sign."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import timedelta

from custody.domain.acts.codec import body_of
from custody.domain.acts.record import Corrected
from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.dossier import Deed, Deeds, Entry
from custody.domain.ids import Digest
from custody.gates import evaluate
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import Step


def change_settings(chain, **settings):
    """The same study version with other settings; decimals are written as the ledger keeps them."""
    act = chain.step("study_proposed").act
    assert isinstance(act, StudyProposed)
    content = json.loads(act.content)
    content["settings"] |= {name: value if isinstance(value, int | bool) else str(value) for name, value in settings.items()}
    chain.change("study_proposed", content=json.dumps(content, sort_keys=True))


def verdict_with(chain, hold_point, nth=0, **settings):
    change_settings(chain, **settings)
    return chain.verdict_at(hold_point, nth=nth)


def deed(act, at, by):
    """`act` in effect since `at`, written by the person `by` (a Signed)."""
    digest = Digest(hashlib.sha256(repr((act, at)).encode()).hexdigest())
    entry = Entry(
        stream=act.subject.key, position=999, digest=digest, act=act, happened_at=at, recorded_at=at, by=by, study=STUDY, station="test"
    )
    return Deed(act=act, entry=entry, signers=(by,), began=entry)


def case_knowing(chain, hold_point, *acts, nth=0, hours_ago=0.0):
    """The case at a hold point, where these acts stand in the ledger too since `hours_ago`."""
    case, now = chain.case_at(hold_point, nth=nth)
    streams = dict(case.dossier.streams)
    for act in acts:
        made = deed(act, now - timedelta(hours=hours_ago), case.signers[0])
        streams[act.subject.key] = Deeds((*streams.get(act.subject.key, ()), made))
    return dataclasses.replace(case, dossier=dataclasses.replace(case.dossier, streams=streams)), now


def verdict_knowing(chain, hold_point, *acts, nth=0, hours_ago=0.0):
    case, now = case_knowing(chain, hold_point, *acts, nth=nth, hours_ago=hours_ago)
    return evaluate(hold_point, case, now)


def correct(chain, name, at, *by, nth=0, where=None, **fields):
    """`name` is corrected at this moment."""
    wrong = chain.step(name, nth, where)
    memory = chain.played()
    deed = next(d for d in memory.dossier(wrong.act.subject).deeds(wrong.act.subject, type(wrong.act)) if d.act == wrong.act)
    right = dataclasses.replace(wrong.act, **fields)
    act = Corrected(
        node=right.subject,
        entry=deed.digest,
        reason="typed wrong",
        act=right.rule.name,
        act_version=right.rule.version,
        replacement=json.dumps(body_of(right), sort_keys=True),
    )
    put(chain, act, at, *by)


def put(chain, act, at, *by, **extra):
    chain.steps.append(Step(name=act.rule.name, at=at, by=by, act=act, **extra))


def second_version(chain, before, **settings):
    """In force from just before this step."""
    first = chain.step("study_proposed")
    content = json.loads(first.act.content)
    content["settings"] |= settings
    chain.add(StudyProposed(study=STUDY, study_version=2, content=json.dumps(content)), before=before, by=first.by, minutes=2)
    approved = StudyApproved(study=STUDY, study_version=2, content_digest=Digest("0" * 64), confirmed_defaults=())
    chain.add(approved, before=before, by=chain.step("study_approved").by, minutes=1)
