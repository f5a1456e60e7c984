"""A fresh lot at the release desk: which tests may stay open, until when, which step comes next, and the form that is filled in."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from custody.domain.acts.release import Released, ReleasedConditionally
from custody.domain.folds.lot import LotFold
from custody.domain.folds.study import StudyFold
from custody.domain.masking import Viewer
from custody.domain.terms import HoldPoint, ProductForm, Role
from custody.web.pages.desks.release_tables import pending_given
from custody.workflows.desks.certificate import of_lot
from custody.workflows.desks.offers import Offer
from custody.workflows.desks.preview import foreseen, plain_act
from custody.workflows.desks.release import next_step, open_pending
from custody.workflows.desks.release_offers import with_own_reasons
from custody.workflows.rehearsal.steps import STUDY, people
from tests.gates.lots import LOT_RELEASE, add_result, change_result, drop_result
from tests.web.test_forms import made, posted, read_back


@pytest.fixture
def fresh(chain):
    """A fresh lot, filled an hour before its release, without its sterility and its culture."""
    chain.change("lot_started", form=ProductForm.FRESH)
    change_result(chain, "VIA", "90")
    add_result(chain, "GRAM", "none seen")
    add_result(chain, "OSM", "300", "mOsm/kg")
    drop_result(chain, "STE")
    drop_result(chain, "MYCC")
    chain.change("bags_filled", filled_at=chain.step("released", LOT_RELEASE).at - timedelta(hours=1))
    return chain


def lot_and_previews(chain):
    case, now = chain.case_at(HoldPoint.RELEASE, nth=LOT_RELEASE)
    person = people()["demo-qp-one"]
    viewer = Viewer(account=person.account, printed_name="Q", roles=frozenset({Role.QP}), site=person.site, study=STUDY, blind=False)
    lot = LotFold(case.dossier, case.subject, StudyFold(case.dossier, STUDY))
    full = foreseen(case.dossier, viewer, plain_act(HoldPoint.RELEASE, lot.node), HoldPoint.RELEASE, now).value
    some = ReleasedConditionally(lot=lot.node, pending=open_pending(lot))
    conditional = foreseen(case.dossier, viewer, some, HoldPoint.RELEASE, now).value if some.pending else None
    return lot, full, conditional


def test_open_tests_of_a_fresh_lot_are_due_when_their_method_can_first_be_read(fresh):
    lot, _, _ = lot_and_previews(fresh)
    filled_at = lot.filled.act.filled_at
    assert {each.test: each.due_at - filled_at for each in open_pending(lot)} == {"STE": timedelta(days=14), "MYCC": timedelta(days=28)}


def test_conditional_release_is_the_next_step_of_a_fresh_lot_and_full_release_says_why_not(fresh):
    lot, full, conditional = lot_and_previews(fresh)
    assert next_step(lot, full) == "released_conditionally"
    assert conditional.is_clear
    assert with_own_reasons(Offer(act="released_conditionally"), lot, full, conditional).why_not is None
    assert with_own_reasons(Offer(act="released"), lot, full, conditional).why_not.key == "desk.release.why_blocked"


def test_failed_test_leaves_the_lot_to_quality_control(fresh):
    change_result(fresh, "CD34", "2.1")
    lot, full, conditional = lot_and_previews(fresh)
    assert next_step(lot, full) == ""
    assert with_own_reasons(Offer(act="released_conditionally"), lot, full, conditional).why_not.key == "desk.release.why_blocked"


def test_frozen_lot_is_not_offered_a_condition(chain):
    lot, full, conditional = lot_and_previews(chain)
    assert next_step(lot, full) == Released.rule.name
    assert with_own_reasons(Offer(act="released_conditionally"), lot, full, conditional).why_not.key == "desk.release.why_not_fresh"


def test_filled_in_form_of_a_conditional_release_reads_back_as_the_same_tests_and_times(fresh):
    lot, _, _ = lot_and_previews(fresh)
    pending = open_pending(lot)
    given = {name: [value] for name, value in pending_given(pending, ZoneInfo("Asia/Shanghai")).items()}
    rule = ReleasedConditionally.rule
    answers = read_back(rule, posted(made(rule, {"lot": [lot.node.value], **given})))
    assert answers.act() == ReleasedConditionally(lot=lot.node, pending=pending), answers.errors


def test_certificate_of_a_conditional_release_lists_every_pending_test_with_its_due_time(fresh):
    pending = open_pending(lot_and_previews(fresh)[0])
    step = fresh.step("released", LOT_RELEASE)
    lot = step.act.node
    fresh.drop("released", where=lambda act: act.node == lot)
    fresh.add(ReleasedConditionally(lot=lot, pending=pending), before="dose_requested", by=step.by, minutes=5)
    case, _ = fresh.case_at(HoldPoint.ALLOCATION)
    found = of_lot(LotFold(case.dossier, lot, StudyFold(case.dossier, STUDY)))
    assert found.decision == "conditional"
    assert {each.test for each in found.pending} == {"STE", "MYCC"}
    assert {test.code for test in found.tests if test.state == "missing"} <= {"STE", "MYCC"}
