"""A preview asks the gates themselves, counts nothing as passed that nobody can know yet, and is masked like a verdict."""

from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.masking import Viewer
from custody.domain.terms import HoldPoint, Role
from custody.workflows.desks.preview import foreseen, plain_act
from custody.workflows.rehearsal.steps import STUDY, people
from tests.chain import blocked_gates

BEFORE_A_STEP = [point for point in HoldPoint if point is not HoldPoint.EXCEPTION]
"""The standard road has no exceptional release."""


def viewer(*roles, blind=False):
    person = people()["demo-qa-one"]
    return Viewer(account=person.account, printed_name="Q", roles=frozenset(roles), site=person.site, study=STUDY, blind=blind)


def previewed(chain, hold_point, *, act=None, blind=False):
    case, now = chain.case_at(hold_point)
    proposed = act or plain_act(hold_point, case.subject)
    return foreseen(case.dossier, viewer(Role.QA_REVIEWER, blind=blind), proposed, hold_point, now).value, case


@pytest.mark.parametrize("hold_point", BEFORE_A_STEP)
def test_before_every_step_of_a_valid_chain_nothing_that_can_be_known_stands_in_the_way(chain, hold_point):
    case, _ = chain.case_at(hold_point)
    found, _ = previewed(chain, hold_point, act=case.proposed)
    assert found.is_clear, found.blocking


@pytest.mark.parametrize("hold_point", BEFORE_A_STEP)
def test_hold_point_alone_can_be_previewed_and_no_rule_fails_to_run(chain, hold_point):
    found, _ = previewed(chain, hold_point)
    assert "SYS-ERROR" not in {each.gate for each in found.findings}


@pytest.mark.parametrize("hold_point", [HoldPoint.PREPARE, HoldPoint.SHIP, HoldPoint.NEXT_BAG])
def test_before_the_scans_of_a_valid_chain_nothing_is_foreseen_to_block(chain, hold_point):
    found, _ = previewed(chain, hold_point)
    assert not found.blocking
    assert found.of("later"), "what is scanned cannot be known yet"


def test_preview_blocks_exactly_what_the_hold_point_blocks(chain):
    chain.change("result_recorded", where=lambda act: act.test == "VIA" and act.node.kind == "bank", result="79.9")
    found, _ = previewed(chain, HoldPoint.RELEASE)
    assert {each.gate for each in found.blocking} == blocked_gates(chain.verdict_at(HoldPoint.RELEASE)) == {"QC-FAIL", "REL-TEST"}


def test_step_that_was_left_out_is_foreseen_with_its_reason(chain):
    chain.drop_all("audit_trail_reviewed")
    found, _ = previewed(chain, HoldPoint.RELEASE)
    assert [(each.gate, each.reason.code) for each in found.blocking] == [("REL-TRAIL", "audit_trail_not_reviewed")]
    assert {each.gate for each in found.of("later")} == {"REL-ROLE", "REL-SELF"}, "nobody has said who would sign"


def test_blinded_viewer_reads_the_neutral_sentence_and_no_evidence(chain):
    chain.drop_all("eligibility_determined")
    found, _ = previewed(chain, HoldPoint.PREPARE, blind=True)
    assert {each.gate for each in found.blocking} == {"BAG-STOP"}
    assert not any(each.evidence for each in found.findings)


def test_preview_without_a_finding_is_not_clear(chain):
    found, _ = previewed(chain, HoldPoint.SHIP)
    assert not replace(found, findings=()).is_clear


def test_clock_that_was_set_back_is_foreseen_too(chain):
    case, now = chain.case_at(HoldPoint.SHIP)
    act = plain_act(HoldPoint.SHIP, case.subject)
    found = foreseen(case.dossier, viewer(Role.QA_REVIEWER), act, HoldPoint.SHIP, now - timedelta(hours=2)).value
    assert [each.gate for each in found.blocking] == ["SYS-CLOCK"]
