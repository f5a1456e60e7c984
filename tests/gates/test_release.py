"""REL gates at hold point G6: who releases what, on which tests, reviews, labels, holds and ancestors."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.codec import body_of
from custody.domain.acts.donation import ConsentWithdrawn, EligibilityRefused
from custody.domain.acts.manufacturing import LabelsDestroyed
from custody.domain.acts.quality import DeviationClosed, DeviationOpened, HoldLifted, HoldPlaced, Recalled
from custody.domain.acts.record import Corrected
from custody.domain.acts.release import AuditTrailReviewed, PendingTest, Rejected, Released, ReleasedConditionally
from custody.domain.acts.study import CohortOpened
from custody.domain.ids import CohortId, Din, TissueId
from custody.domain.terms import HoldPoint, Product, ProductForm, Role, Severity
from custody.gates import evaluate
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import Chain, blocked_gates, reasons
from tests.gates.lots import (
    LOT_RELEASE,
    add_result,
    at_release,
    change_result,
    drop_result,
    finding,
    put,
    review_again,
    step_of_lot,
    values,
)

QP, QA, OPERATOR = "demo-qp-one", "demo-qa-one", "demo-operator-one"


def before_release(chain: Chain, minutes: float):
    return step_of_lot(chain, "released").at - timedelta(minutes=minutes)


def test_banks_and_lot_of_the_valid_chain_are_released(chain):
    for nth in range(3):
        verdict = chain.verdict_at(HoldPoint.RELEASE, nth=nth)
        assert blocked_gates(verdict) == set()
        assert verdict.is_go


# ── donors and ancestors ──


def test_withdrawn_consent_blocks_release(chain):
    withdrawn = ConsentWithdrawn(donor=chain.cast.donor, withdrawn_at=before_release(chain, 60), reason="her wish")
    put(chain, withdrawn, "demo-coordinator-one", before_release(chain, 60))
    assert blocked_gates(at_release(chain)) == {"CON-WDN", "REL-DONOR"}
    assert reasons(at_release(chain), "REL-DONOR") == {"consent_withdrawn"}


def test_refused_eligibility_blocks_release(chain):
    put(chain, EligibilityRefused(donation=chain.cast.donation, reason="late result"), QP, before_release(chain, 60))
    assert "REL-DONOR" in blocked_gates(at_release(chain))
    assert reasons(at_release(chain), "REL-DONOR") == {"donor_not_eligible"}


def test_cells_without_any_donation_block_release(chain):
    chain.change("lot_started", banks=(), vials_drawn=())
    assert {"REL-DONOR", "REL-ANC"} <= blocked_gates(at_release(chain))
    assert reasons(at_release(chain), "REL-ANC") == {"missing"}


def test_material_of_two_donors_is_not_released_where_the_study_allows_one(chain):
    second = TissueId("TS-0002")
    packed = chain.step("tissue_packed")
    put(chain, replace(packed.act, tissue=second, donation=Din.parse("A999926000002")), packed.by, packed.at)
    chain.change("bank_started", parents=(chain.cast.tissue, second))
    assert reasons(at_release(chain), "REL-DONOR") == {"donors_pooled"}
    assert reasons(at_release(chain), "REL-ANC") == {"ancestor_not_released"}


def test_unreleased_bank_blocks_its_lot(chain):
    chain.drop("released", where=lambda act: act.node == chain.cast.working)
    verdict = chain.verdict_at(HoldPoint.RELEASE, nth=LOT_RELEASE - 1)
    assert blocked_gates(verdict) == {"REL-ANC"}
    assert values(verdict, "REL-ANC") == {"ancestor": chain.cast.working.key}


def test_rejected_bank_blocks_its_lot(chain):
    put(chain, Rejected(node=chain.cast.master, reason_code="STE", reason="growth"), QP, before_release(chain, 60))
    assert blocked_gates(at_release(chain)) == {"REL-ANC"}


def test_recalled_donation_blocks_release(chain):
    put(chain, Recalled(node=chain.cast.donation, recall="R-1", reason="look-back"), QP, before_release(chain, 60))
    assert blocked_gates(at_release(chain)) == {"REL-ANC"}
    assert reasons(at_release(chain), "REL-ANC") == {"ancestor_recalled"}


# ── reviews ──


def test_batch_record_nobody_reviewed_blocks_release(chain):
    chain.drop("batch_record_reviewed", nth=LOT_RELEASE)
    assert blocked_gates(at_release(chain)) == {"REL-BMR"}


def test_audit_trail_nobody_reviewed_blocks_release(chain):
    chain.drop("audit_trail_reviewed", nth=LOT_RELEASE)
    assert blocked_gates(at_release(chain)) == {"REL-TRAIL"}


def test_result_recorded_after_the_trail_was_reviewed_needs_a_new_review(chain):
    add_result(chain, "PH", "7.3", "pH", before="released", minutes=10)
    review_again(chain, before_release(chain, 5))
    assert blocked_gates(at_release(chain)) == {"REL-TRAIL"}


def test_review_that_claims_entries_yet_to_come_does_not_cover_them(chain):
    chain.replace("audit_trail_reviewed", AuditTrailReviewed(node=chain.cast.lot, up_to_position=9999), nth=LOT_RELEASE)
    assert at_release(chain).is_go
    add_result(chain, "PH", "7.3", "pH", before="released", minutes=10)
    review_again(chain, before_release(chain, 5))
    assert blocked_gates(at_release(chain)) == {"REL-TRAIL"}


def test_correction_of_a_step_after_the_reviews_needs_new_ones(chain):
    memory = chain.played()
    step = chain.step("lot_step_recorded")
    digest = next(e.digest for e in memory.streams[chain.cast.lot.key] if e.act.rule.name == "lot_step_recorded")
    right = json.dumps(body_of(replace(step.act, culture=replace(step.act.culture, step="expansion, corrected"))), sort_keys=True)
    corrected = Corrected(
        node=chain.cast.lot, entry=digest, reason="typing error", act="lot_step_recorded", act_version=1, replacement=right
    )
    put(chain, corrected, OPERATOR, before_release(chain, 5))
    assert blocked_gates(at_release(chain)) == {"REL-BMR", "REL-TRAIL"}


# ── deviations, labels, holds ──


@pytest.mark.parametrize(
    ("severity", "blocked"), [(Severity.MINOR, set()), (Severity.MAJOR, {"REL-DEV"}), (Severity.CRITICAL, {"REL-DEV"})]
)
def test_open_deviation_blocks_unless_it_is_minor(chain, severity, blocked):
    opened = DeviationOpened(node=chain.cast.working, deviation="DV-1", severity=severity, description="incubator alarm")
    put(chain, opened, OPERATOR, before_release(chain, 60))
    assert blocked_gates(at_release(chain)) == blocked


def test_closed_deviation_does_not_block(chain):
    opened = DeviationOpened(node=chain.cast.working, deviation="DV-1", severity=Severity.MAJOR, description="incubator alarm")
    put(chain, opened, OPERATOR, before_release(chain, 60))
    put(chain, DeviationClosed(node=chain.cast.working, deviation="DV-2", conclusion="another one"), QA, before_release(chain, 55))
    assert blocked_gates(at_release(chain)) == {"REL-DEV"}
    put(chain, DeviationClosed(node=chain.cast.working, deviation="DV-1", conclusion="no effect"), QA, before_release(chain, 50))
    assert at_release(chain).is_go


@pytest.mark.parametrize("destroyed", [0, 2])
def test_labels_that_do_not_add_up_block_release(chain, destroyed):
    chain.change("labels_destroyed", where=lambda act: act.node == chain.cast.lot, copies=destroyed)
    assert blocked_gates(at_release(chain)) == {"REL-LABEL"}
    assert values(at_release(chain), "REL-LABEL") == {"printed": 5, "applied": 4, "destroyed": destroyed}


def test_container_without_a_label_blocks_release(chain):
    of_lot = lambda act: act.node == chain.cast.lot  # noqa: E731 - used three times
    chain.change("labels_applied", where=of_lot, copies=3)
    chain.change("labels_destroyed", where=of_lot, copies=2)
    assert blocked_gates(at_release(chain)) == {"REL-LABEL"}
    assert reasons(at_release(chain), "REL-LABEL") == {"containers_without_label"}


def test_labels_nobody_printed_block_release(chain):
    for name in ("labels_printed", "labels_applied", "labels_destroyed"):
        chain.drop(name, where=lambda act: act.node == chain.cast.lot)
    assert blocked_gates(at_release(chain)) == {"REL-LABEL"}


def test_labels_destroyed_late_count_too(chain):
    chain.drop("labels_destroyed", where=lambda act: act.node == chain.cast.lot)
    late = LabelsDestroyed(node=chain.cast.lot, copies=1, reason="spare")
    put(chain, late, (OPERATOR, "demo-verifier-one"), step_of_lot(chain, "results_concluded").at - timedelta(minutes=5))
    assert at_release(chain).is_go


@pytest.mark.parametrize("what", ["lot", "working", "tissue", "donation", "donor"])
def test_open_hold_on_the_lot_or_any_ancestor_blocks_release(chain, what):
    node = getattr(chain.cast, what)
    put(chain, HoldPlaced(node=node, hold="H-1", reason="question", owner="QA"), QA, before_release(chain, 60))
    assert blocked_gates(at_release(chain)) == {"REL-HOLD"}
    put(chain, HoldLifted(node=node, hold="H-2", reason="another one"), QA, before_release(chain, 55))
    assert blocked_gates(at_release(chain)) == {"REL-HOLD"}
    put(chain, HoldLifted(node=node, hold="H-1", reason="answered"), QA, before_release(chain, 50))
    assert at_release(chain).is_go


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda lot: Rejected(node=lot, reason_code="VIA", reason="too low"), "lot_rejected"),
        (lambda lot: Recalled(node=lot, recall="R-1", reason="look-back"), "lot_recalled"),
    ],
)
def test_rejection_and_recall_are_final(chain, act, reason):
    put(chain, act(chain.cast.lot), QP, before_release(chain, 60))
    assert blocked_gates(at_release(chain)) == {"REL-HOLD"}
    assert reasons(at_release(chain), "REL-HOLD") == {reason}


# ── who releases ──


def test_release_by_another_role_is_blocked(chain):
    case, now = chain.case_at(HoldPoint.RELEASE, nth=LOT_RELEASE)
    verdict = evaluate(HoldPoint.RELEASE, replace(case, signers=(replace(case.signers[0], role=Role.QA_REVIEWER),)), now)
    assert blocked_gates(verdict) == {"REL-ROLE"}


def test_release_by_the_reviewer_is_blocked_through_another_account_too(chain):
    case, now = chain.case_at(HoldPoint.RELEASE, nth=LOT_RELEASE)
    reviewer = next(iter(case.lot.reviewers))
    verdict = evaluate(HoldPoint.RELEASE, replace(case, signers=(replace(case.signers[0], person=reviewer),)), now)
    assert blocked_gates(verdict) == {"REL-SELF"}


def test_release_that_nobody_signs_is_blocked(chain):
    case, now = chain.case_at(HoldPoint.RELEASE, nth=LOT_RELEASE)
    assert blocked_gates(evaluate(HoldPoint.RELEASE, replace(case, signers=()), now)) == {"REL-ROLE", "REL-SELF"}


# ── placebo ──


@pytest.fixture
def placebo(chain):
    """The lot of the chain as a placebo lot: no bank, its own tests."""
    chain.change("lot_started", product=Product.PLACEBO, banks=(), vials_drawn=())
    chain.change("bags_filled", viable_cells_label=0)
    add_result(chain, "OSM", "300", "mOsm/kg")
    return chain


def test_placebo_lot_is_released_and_its_donor_gates_say_there_is_no_donor(placebo):
    verdict = at_release(placebo)
    assert blocked_gates(verdict) == set()
    for gate in ("CON-NONE", "ELG-SIGN", "REL-DONOR", "REL-ANC"):
        assert finding(verdict, gate).outcome.note.code == "no_donor"


def test_placebo_lot_needs_its_own_tests(placebo):
    drop_result(placebo, "END")
    assert blocked_gates(at_release(placebo)) == {"QC-MISS", "REL-TEST"}


def test_cell_tests_do_not_apply_to_a_placebo(placebo):
    change_result(placebo, "VIA", "0")
    assert at_release(placebo).is_go


# ── conditional release ──


@pytest.fixture
def fresh(chain):
    """A fresh lot whose 14-day sterility and 28-day culture are pending."""
    chain.change("lot_started", form=ProductForm.FRESH)
    change_result(chain, "VIA", "90")
    add_result(chain, "GRAM", "none seen")
    add_result(chain, "OSM", "300", "mOsm/kg")
    drop_result(chain, "STE")
    drop_result(chain, "MYCC")
    list_as_pending(chain, "STE", "MYCC")
    return chain


def list_as_pending(chain: Chain, *tests: str, due_in_minutes: float = 60) -> None:
    """The lot is released conditionally, with these tests pending."""
    pending = tuple(PendingTest(test=test, due_at=before_release(chain, -due_in_minutes)) for test in tests)
    chain.replace("released", ReleasedConditionally(lot=chain.cast.lot, pending=pending), nth=LOT_RELEASE)


def test_fresh_lot_is_released_while_tests_of_column_c_are_pending(fresh):
    fresh.change("bags_filled", filled_at=before_release(fresh, 60))
    assert blocked_gates(at_release(fresh)) == set()


def test_fresh_lot_is_not_released_for_good_while_a_test_is_open(fresh):
    fresh.replace("released", Released(node=fresh.cast.lot), nth=LOT_RELEASE)
    assert blocked_gates(at_release(fresh)) == {"REL-TEST"}
    assert values(at_release(fresh), "REL-TEST") == {"tests": "STE"}


def test_pending_test_that_is_not_listed_blocks(fresh):
    list_as_pending(fresh, "MYCC")
    assert blocked_gates(at_release(fresh)) == {"REL-TEST"}


def test_pending_list_without_any_test_blocks(fresh):
    list_as_pending(fresh)
    assert blocked_gates(at_release(fresh)) == {"REL-TEST"}


def test_test_that_must_pass_cannot_be_pending(fresh):
    fresh.change("bags_filled", filled_at=before_release(fresh, 60))
    list_as_pending(fresh, "STE", "MYCC", "END")
    assert blocked_gates(at_release(fresh)) == {"REL-TEST"}
    assert reasons(at_release(fresh), "REL-TEST") == {"test_may_not_be_pending"}


@pytest.mark.parametrize(("minutes", "blocked"), [(0, {"REL-TEST"}), (1, set())])
def test_pending_test_must_be_due_later_than_now(fresh, minutes, blocked):
    fresh.change("bags_filled", filled_at=before_release(fresh, 60))
    list_as_pending(fresh, "STE", "MYCC", due_in_minutes=minutes)
    assert blocked_gates(at_release(fresh)) == blocked


def test_sterility_can_not_be_pending_past_sixteen_days_whatever_the_list_says(fresh):
    fresh.change("bags_filled", filled_at=before_release(fresh, 16 * 24 * 60))
    assert reasons(at_release(fresh), "REL-TEST") == {"pending_test_overdue"}
    fresh.change("bags_filled", filled_at=before_release(fresh, 16 * 24 * 60 - 1))
    assert at_release(fresh).is_go


def test_failed_test_of_column_c_blocks_even_when_it_is_listed(fresh):
    fresh.change("bags_filled", filled_at=before_release(fresh, 60))
    change_result(fresh, "CD34", "2.1")
    list_as_pending(fresh, "STE", "MYCC", "CD34")
    assert blocked_gates(at_release(fresh)) == {"QC-FAIL", "REL-TEST"}


def test_frozen_lot_is_never_released_conditionally(chain):
    list_as_pending(chain, "STE")
    assert blocked_gates(at_release(chain)) == {"REL-TEST"}
    assert reasons(at_release(chain), "REL-TEST") == {"conditional_needs_fresh"}


# ── phase ──


def test_potency_is_required_once_phase_2_is_open(chain):
    change_result(chain, "POT", "19.9")
    assert at_release(chain).is_go
    chain.add(CohortOpened(study=STUDY, cohort=CohortId("P2")), before="lot_started", by="demo-sponsor-one")
    assert blocked_gates(at_release(chain)) == {"QC-FAIL", "REL-TEST"}
