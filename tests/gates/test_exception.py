"""EXC gates at hold point X, and what an exceptional release then does to BAG-REL, DOS-TEST and DOS-CELLS (rules 9.4)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.base import Act
from custody.domain.acts.donation import ConsentWithdrawn
from custody.domain.acts.quality import HoldPlaced, Recalled
from custody.domain.acts.release import (
    ExceptionAccepted,
    ExceptionNeverListConfirmed,
    ExceptionRequested,
    ExceptionRiskEvaluated,
    ExceptionSponsorNotified,
    Rejected,
    ReleasedExceptionally,
)
from custody.domain.ids import CohortId, Digest, ParticipantId
from custody.domain.terms import HoldPoint, Role
from custody.domain.verdict import Excepted
from custody.gates import evaluate
from tests.chain import Chain, blocked_gates, reasons
from tests.gates.lots import LOT_RELEASE, add_result, change_result, finding, put, result_digest, values

PHYSICIAN, EVALUATOR, QA, SPONSOR, QP = "demo-physician-one", "demo-qc-reviewer-one", "demo-qa-one", "demo-sponsor-one", "demo-qp-one"
STEPS = (
    "exception_requested",
    "exception_risk_evaluated",
    "exception_never_list_confirmed",
    "exception_accepted",
    "exception_sponsor_notified",
)


def except_result(chain: Chain, test: str, digest: Digest | None = None) -> None:
    """The lot stays unreleased, and every step of an exceptional release of this result is signed before the bags are reserved."""
    cast = chain.cast
    digest = digest or result_digest(chain, test)
    del chain.steps[chain.index("released", LOT_RELEASE)]
    request = ExceptionRequested(
        dose=cast.dose,
        participant=cast.participant,
        lot=cast.lot,
        test=test,
        result=digest,
        hazard_if_not_treated="dying of respiratory failure",
        alternatives_considered="none left",
    )
    steps: tuple[tuple[Act, str], ...] = (
        (request, PHYSICIAN),
        (ExceptionRiskEvaluated(dose=cast.dose, evaluation="lower potency, no new hazard"), EVALUATOR),
        (ExceptionNeverListConfirmed(dose=cast.dose), QA),
        (ExceptionAccepted(dose=cast.dose), PHYSICIAN),
        (ExceptionSponsorNotified(dose=cast.dose, authority_notice="sent"), SPONSOR),
        (ReleasedExceptionally(dose=cast.dose, lot=cast.lot, test=test, result=digest), QP),
    )
    for minutes, (act, by) in zip(range(len(steps), 0, -1), steps, strict=True):
        chain.add(act, before="dose_allocated", by=by, minutes=minutes)


def at_exception(chain: Chain):
    return chain.verdict_at(HoldPoint.EXCEPTION)


@pytest.fixture
def low_viability(chain):
    """A lot of the valid chain with 75.0 % viability, and its exceptional release."""
    change_result(chain, "VIA", "75.0")
    except_result(chain, "VIA")
    return chain


def test_exceptional_release_of_a_low_viability_passes_and_carries_the_dose_to_the_bed(low_viability):
    assert at_exception(low_viability).is_go
    for hold_point in (HoldPoint.ALLOCATION, HoldPoint.PREPARE, HoldPoint.DOSE_RELEASE, HoldPoint.BEDSIDE):
        verdict = low_viability.verdict_at(hold_point)
        assert blocked_gates(verdict) == set()
        assert isinstance(finding(verdict, "BAG-REL").outcome, Excepted)
    assert isinstance(finding(low_viability.verdict_at(HoldPoint.BEDSIDE), "DOS-TEST").outcome, Excepted)


def test_exceptional_release_ends_after_twenty_four_hours(low_viability):
    released_at = low_viability.step("released_exceptionally").at
    case, _ = low_viability.case_at(HoldPoint.BEDSIDE)
    before = evaluate(HoldPoint.BEDSIDE, case, released_at + timedelta(hours=24, microseconds=-1))
    after = evaluate(HoldPoint.BEDSIDE, case, released_at + timedelta(hours=24))
    assert not {"BAG-REL", "DOS-TEST"} & blocked_gates(before)
    assert {"BAG-REL", "DOS-TEST"} <= blocked_gates(after)


def test_lot_stays_unreleased_and_its_tests_stay_failed(low_viability):
    case, _ = low_viability.case_at(HoldPoint.BEDSIDE)
    lot = case.for_part(low_viability.cast.dose_bags[0]).bag.lot
    assert type(lot.disposition).__name__ == "Quarantined"
    assert [r.deed.act.test for r in lot.results.failing] == ["VIA"]


# ── order ──


@pytest.mark.parametrize("step", STEPS)
def test_missing_step_blocks(low_viability, step):
    low_viability.drop(step)
    assert {"EXC-ORDER", "EXC-SIGN"} <= blocked_gates(at_exception(low_viability))
    if step != STEPS[0]:
        assert values(at_exception(low_viability), "EXC-ORDER") == {"step": step}


@pytest.mark.parametrize(("step", "named"), tuple(itertools.pairwise(STEPS)))
def test_step_signed_after_the_one_that_answers_it_blocks(low_viability, step, named):
    after = low_viability.step(named)
    i = low_viability.index(step)
    low_viability.steps[i] = replace(low_viability.steps[i], at=after.at + timedelta(seconds=30))
    assert blocked_gates(at_exception(low_viability)) == {"EXC-ORDER"}
    assert values(at_exception(low_viability), "EXC-ORDER") == {"step": named}


def test_release_of_another_result_than_requested_blocks(low_viability):
    low_viability.change("exception_requested", test="CNT", result=result_digest(low_viability, "CNT"))
    assert blocked_gates(at_exception(low_viability)) == {"EXC-ORDER"}
    assert reasons(at_exception(low_viability), "EXC-ORDER") == {"exception_differs_from_request"}


def test_request_for_another_participant_blocks(low_viability):
    low_viability.change("exception_requested", participant=ParticipantId("P-9999"))
    assert blocked_gates(at_exception(low_viability)) == {"EXC-ORDER"}
    assert reasons(at_exception(low_viability), "EXC-ORDER") == {"exception_for_another_participant"}


def test_request_that_names_no_hazard_blocks(low_viability):
    low_viability.change("exception_requested", hazard_if_not_treated=" ")
    assert blocked_gates(at_exception(low_viability)) == {"EXC-ORDER"}


# ── never ──


def test_positive_gram_stain_is_never_excepted_and_the_bag_stays_unreleased(chain):
    add_result(chain, "GRAM", "cocci seen")
    except_result(chain, "GRAM")
    assert blocked_gates(at_exception(chain)) == {"EXC-NEVER"}
    assert reasons(at_exception(chain), "EXC-NEVER") == {"on_never_list"}
    chain.drop("released_exceptionally")
    assert blocked_gates(chain.verdict_at(HoldPoint.ALLOCATION)) == {"BAG-REL"}


@pytest.mark.parametrize(("test", "result"), [("END", "0.51"), ("STE", "growth"), ("MYCN", "detected"), ("CCI", "leak"), ("LAB", "99")])
def test_failures_of_the_never_list_are_never_excepted_even_once_signed(chain, test, result):
    change_result(chain, test, result)
    except_result(chain, test)
    assert reasons(at_exception(chain), "EXC-NEVER") == {"on_never_list"}
    assert blocked_gates(chain.verdict_at(HoldPoint.ALLOCATION)) == {"BAG-REL"}


@pytest.mark.parametrize(
    ("test", "last", "first_out"), [("VIA", "70", "69.9"), ("CNT", "70", "69.9"), ("CD34", "7.0", "7.1"), ("CD73", "90.0", "89.9")]
)
def test_exception_reaches_to_its_floor_and_no_further(test, last, first_out):
    for result, blocked in ((last, set()), (first_out, {"EXC-NEVER"})):
        chain = Chain()
        change_result(chain, test, result)
        except_result(chain, test)
        assert blocked_gates(at_exception(chain)) == blocked
    assert reasons(at_exception(chain), "EXC-NEVER") == {"beyond_exception"}


def test_count_too_high_is_not_excepted(chain):
    change_result(chain, "CNT", "130")
    except_result(chain, "CNT")
    assert reasons(at_exception(chain), "EXC-NEVER") == {"beyond_exception"}


def test_bound_is_not_excepted(chain):
    change_result(chain, "VIA", "> 75")
    except_result(chain, "VIA")
    assert reasons(at_exception(chain), "EXC-NEVER") == {"beyond_exception"}


def test_second_failure_is_nobodys_exception(low_viability):
    change_result(low_viability, "CD34", "2.1")
    assert reasons(at_exception(low_viability), "EXC-NEVER") == {"other_test_not_passed"}
    assert "BAG-REL" in blocked_gates(low_viability.verdict_at(HoldPoint.ALLOCATION))


def test_result_that_passed_needs_no_exception(chain):
    except_result(chain, "VIA")
    assert reasons(at_exception(chain), "EXC-NEVER") == {"result_not_failed"}


def test_result_of_nothing_known_is_not_excepted(chain):
    except_result(chain, "VIA", Digest("0" * 64))
    assert reasons(at_exception(chain), "EXC-NEVER") == {"result_not_failed"}


@pytest.mark.parametrize(
    ("act", "by", "reason"),
    [
        (lambda cast: HoldPlaced(node=cast.lot, hold="H-1", reason="question", owner="QA"), QA, "lot_held"),
        (lambda cast: HoldPlaced(node=cast.working, hold="H-1", reason="question", owner="QA"), QA, "lot_held"),
        (lambda cast: Recalled(node=cast.lot, recall="R-1", reason="look-back"), QP, "lot_recalled"),
        (lambda cast: Recalled(node=cast.donation, recall="R-1", reason="look-back"), QP, "ancestor_recalled"),
        (lambda cast: Rejected(node=cast.lot, reason_code="END", reason="other"), QP, "lot_rejected"),
    ],
)
def test_held_recalled_or_otherwise_rejected_lot_is_never_excepted(low_viability, act, by, reason):
    put(low_viability, act(low_viability.cast), by, low_viability.step("exception_requested").at - timedelta(minutes=1))
    assert blocked_gates(at_exception(low_viability)) == {"EXC-NEVER"}
    assert reasons(at_exception(low_viability), "EXC-NEVER") == {reason}


def test_lot_rejected_for_exactly_this_test_may_be_excepted(low_viability):
    rejected = Rejected(node=low_viability.cast.lot, reason_code="VIA", reason="viability too low")
    put(low_viability, rejected, QP, low_viability.step("exception_requested").at - timedelta(minutes=1))
    assert at_exception(low_viability).is_go


def test_withdrawn_consent_is_never_excepted(low_viability):
    at = low_viability.step("exception_requested").at - timedelta(minutes=1)
    put(low_viability, ConsentWithdrawn(donor=low_viability.cast.donor, withdrawn_at=at, reason="her wish"), "demo-coordinator-one", at)
    assert reasons(at_exception(low_viability), "EXC-NEVER") == {"consent_withdrawn"}


@pytest.mark.parametrize(
    ("name", "reason"), [("batch_record_reviewed", "batch_record_not_reviewed"), ("audit_trail_reviewed", "audit_trail_not_reviewed")]
)
def test_lot_without_its_reviews_is_never_excepted(low_viability, name, reason):
    low_viability.drop(name, nth=LOT_RELEASE)
    assert reasons(at_exception(low_viability), "EXC-NEVER") == {reason}


def test_expired_lot_is_never_excepted(low_viability):
    at = low_viability.step("released_exceptionally").at
    low_viability.change("bags_filled", expires_at=at + timedelta(seconds=1))
    assert at_exception(low_viability).is_go
    low_viability.change("bags_filled", expires_at=at)
    assert reasons(at_exception(low_viability), "EXC-NEVER") == {"lot_expired"}


# ── signatures and blind ──


def signed_again(chain: Chain, step: str, person_of: str):
    """The verdict at hold point X when this step is signed by the person who signed another."""
    case, now = chain.case_at(HoldPoint.EXCEPTION)
    stream = list(case.dossier.streams[chain.cast.dose.key])
    signer = next(d for d in stream if d.act.rule.name == person_of).signers[0]
    i = next(i for i, d in enumerate(stream) if d.act.rule.name == step)
    stream[i] = replace(stream[i], signers=(signer,))
    streams = {**case.dossier.streams, chain.cast.dose.key: tuple(stream)}
    return evaluate(HoldPoint.EXCEPTION, replace(case, dossier=replace(case.dossier, streams=streams)), now)


@pytest.mark.parametrize(("step", "person_of"), [(STEPS[1], STEPS[0]), (STEPS[2], STEPS[1]), (STEPS[4], STEPS[2])])
def test_one_person_in_two_parts_blocks(low_viability, step, person_of):
    verdict = signed_again(low_viability, step, person_of)
    assert blocked_gates(verdict) == {"EXC-SIGN"}
    assert reasons(verdict, "EXC-SIGN") == {"exception_signed_twice"}


def test_acceptance_by_another_physician_blocks(low_viability):
    verdict = signed_again(low_viability, "exception_accepted", "exception_sponsor_notified")
    assert reasons(verdict, "EXC-SIGN") == {"acceptance_by_another_physician"}


def test_release_by_one_of_the_other_signers_or_another_role_blocks(low_viability):
    case, now = low_viability.case_at(HoldPoint.EXCEPTION)
    confirmed = next(d for d in case.dossier.deeds(low_viability.cast.dose, ExceptionNeverListConfirmed)).signers[0]
    twice = replace(case, signers=(replace(case.signers[0], person=confirmed.person),))
    assert blocked_gates(evaluate(HoldPoint.EXCEPTION, twice, now)) == {"EXC-SIGN"}
    other_role = replace(case, signers=(replace(case.signers[0], role=Role.QA_REVIEWER),))
    assert reasons(evaluate(HoldPoint.EXCEPTION, other_role, now), "EXC-SIGN") == {"not_qualified_person"}
    assert blocked_gates(evaluate(HoldPoint.EXCEPTION, replace(case, signers=()), now)) == {"EXC-SIGN"}


def test_blinded_phase_has_no_exceptional_release(low_viability):
    low_viability.change("dose_requested", cohort=CohortId("P2"))
    assert blocked_gates(at_exception(low_viability)) == {"EXC-BLIND"}


def test_dose_of_an_unknown_cohort_is_blocked(low_viability):
    low_viability.change("dose_requested", cohort=CohortId("P9"))
    assert "EXC-BLIND" in blocked_gates(at_exception(low_viability))
    assert reasons(at_exception(low_viability), "EXC-BLIND") == {"missing"}
