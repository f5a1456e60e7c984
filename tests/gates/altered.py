"""Verdicts under other settings, and with acts that only custody itself writes (companions), which no person can sign."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import timedelta

from custody.domain.acts.study import StudyProposed
from custody.domain.dossier import Deed, Deeds, Entry
from custody.domain.ids import Digest
from custody.gates import evaluate
from custody.workflows.rehearsal.steps import STUDY


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
