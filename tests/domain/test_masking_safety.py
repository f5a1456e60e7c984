"""What blinded roles see of safety: the event in full, and never what only one arm can have."""

from __future__ import annotations

import dataclasses

import pytest

from custody.domain.acts import ACTS
from custody.domain.acts.base import marked_nodes
from custody.domain.ids import AccountId, SiteId
from custody.domain.masking import HIDDEN_KINDS, Viewer, act_shown
from custody.domain.scope import scope_of
from custody.domain.terms import Role
from custody.workflows.rehearsal.steps import STUDY, Step, people
from tests.contracts.samples import sample_of

SAFETY = sorted(name for name, rule in ACTS.items() if rule.stage == "safety")


def blind_viewer():
    return Viewer(
        account=AccountId("demo-nurse-one"),
        printed_name="N",
        roles=frozenset({Role.BEDSIDE_NURSE}),
        site=SiteId("A9992"),
        study=STUDY,
        blind=True,
    )


@pytest.mark.parametrize("name", SAFETY)
def test_blinded_role_sees_every_act_about_an_event(name):
    assert act_shown(blind_viewer(), sample_of(name))


@pytest.mark.parametrize("name", SAFETY)
def test_act_about_an_event_names_nothing_a_blinded_role_may_not_know(name):
    act = sample_of(name)
    every = (act, *act.companions(STUDY))
    assert {node.kind for one in every for node in marked_nodes(one, None)} & HIDDEN_KINDS == set()
    assert {field.name for one in every for field in dataclasses.fields(one)} & {
        "lot",
        "arm",
        "donor",
        "donation",
        "kit",
        "cohort",
    } == set()


def test_risk_assessment_of_a_donor_is_hidden_from_a_blinded_role():
    assert not act_shown(blind_viewer(), sample_of("donor_risk_assessed"))
    assert act_shown(dataclasses.replace(blind_viewer(), blind=False), sample_of("donor_risk_assessed"))


def test_assessment_written_at_another_site_does_not_open_the_participant_to_it(chain):
    who = chain.cast.participant
    report = dataclasses.replace(sample_of("adverse_event_reported"), participant=who, dose=chain.cast.dose, reaction=None)
    judged = dataclasses.replace(sample_of("adverse_event_assessed"), participant=who, event=report.event)
    last = chain.steps[-1].at
    chain.steps.append(Step(name="adverse_event_reported", at=last, by=("demo-nurse-one",), act=report))
    before = scope_of(who, chain.played().dossier(who, STUDY).streams)
    chain.steps.append(Step(name="adverse_event_assessed", at=last, by=("demo-safety-one",), act=judged))
    after = scope_of(who, chain.played().dossier(who, STUDY).streams)
    assert people()["demo-safety-one"].site not in before.sites
    assert after.sites == before.sites == {people()["demo-nurse-one"].site}
