"""A bank or a lot: its tier, its criteria, its disposition and its pending tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts import quality, release
from custody.domain.acts.release import PendingTest, ReleasedConditionally
from custody.domain.folds.base import MissingFact
from custody.domain.folds.lot import Conditional, LotFold, Quarantined, Recalled, Rejected, Released
from custody.domain.folds.study import StudyFold
from custody.domain.ids import BankId, LotId
from custody.domain.terms import Product, ProductForm, Tier
from custody.workflows.rehearsal.steps import STUDY
from tests.chain import Chain
from tests.gates.lots import LOT_RELEASE, add_result, drop_result, put, step_of_lot

QP = "demo-qp-one"


def fold(chain: Chain, node: BankId | LotId | None = None) -> LotFold:
    node = node or chain.cast.lot
    dossier = chain.played().dossier(node, STUDY)
    return LotFold(dossier, node, StudyFold(dossier, STUDY))


def after_release(chain: Chain, minutes: float = 5):
    return step_of_lot(chain, "released").at + timedelta(minutes=minutes)


def test_tier_follows_from_bank_product_and_form(chain):
    assert fold(chain).tier is Tier.FROZEN_LOT
    assert fold(chain, chain.cast.master).tier is Tier.BANK
    chain.change("lot_started", form=ProductForm.FRESH)
    assert fold(chain).tier is Tier.FRESH_LOT
    chain.change("lot_started", product=Product.PLACEBO)
    assert fold(chain).tier is Tier.PLACEBO


def test_bank_is_judged_by_the_criteria_in_force_when_it_was_started(chain):
    assert fold(chain, chain.cast.master).criteria.version == 1
    chain.move("study_approved", minutes=60 * 24 * 365)
    with pytest.raises(MissingFact, match="criteria"):
        _ = fold(chain, chain.cast.master).criteria


def test_lot_of_a_version_that_was_never_approved_has_no_criteria(chain):
    chain.change("lot_started", criteria_version=7)
    with pytest.raises(MissingFact, match="criteria"):
        _ = fold(chain).criteria


def test_lot_nobody_started_or_filled_is_a_missing_fact(chain):
    unknown = fold(chain, LotId("LOT-9999"))
    with pytest.raises(MissingFact, match="lot_start"):
        _ = unknown.product
    with pytest.raises(MissingFact, match="lot_fill"):
        _ = unknown.label_cells
    assert isinstance(unknown.disposition, Quarantined)


def test_lot_is_in_quarantine_until_it_is_released(chain):
    assert isinstance(fold(chain).disposition, Released)
    del chain.steps[chain.index("released", LOT_RELEASE)]
    assert isinstance(fold(chain).disposition, Quarantined)


@pytest.mark.parametrize("minutes", [-5, 5])
def test_rejection_and_recall_are_final_whatever_comes_before_or_after(chain, minutes):
    put(chain, release.Rejected(node=chain.cast.lot, reason_code="VIA", reason="low"), QP, after_release(chain, minutes))
    assert isinstance(fold(chain).disposition, Rejected)
    put(chain, quality.Recalled(node=chain.cast.lot, recall="R-1", reason="look-back"), QP, after_release(chain, minutes))
    assert isinstance(fold(chain).disposition, Recalled)


@pytest.fixture
def conditional(chain):
    """A fresh lot released with two tests pending, due in a day."""
    chain.change("lot_started", form=ProductForm.FRESH)
    chain.change("bags_filled", filled_at=step_of_lot(chain, "released").at)
    for test in ("STE", "MYCC"):
        drop_result(chain, test)
    pending = tuple(PendingTest(test=test, due_at=after_release(chain, 60)) for test in ("STE", "MYCC"))
    chain.replace("released", ReleasedConditionally(lot=chain.cast.lot, pending=pending), nth=LOT_RELEASE)
    return chain


def test_pending_test_is_overdue_only_after_its_due_time(conditional):
    lot = fold(conditional)
    assert isinstance(lot.disposition, Conditional)
    assert lot.overdue(after_release(conditional, 60)) == ()
    assert [p.test for p in lot.overdue(after_release(conditional, 60) + timedelta(microseconds=1))] == ["STE", "MYCC"]


def test_sterility_is_overdue_after_sixteen_days_even_if_the_list_gives_longer(conditional):
    lot = fold(conditional)
    long = replace(lot.pending[0], due_at=after_release(conditional, 60 * 24 * 90))
    assert lot.due_at(long) == lot.filled.act.filled_at + timedelta(days=16)


def test_pending_test_that_passed_is_no_longer_pending(conditional):
    add_result(conditional, "MYCC", "negative", before="released", minutes=-30)
    lot = fold(conditional)
    assert [p.test for p in lot.pending] == ["STE"]
    assert lot.pending_failed == ()


def test_pending_test_that_failed_is_named_and_stays_pending(conditional):
    add_result(conditional, "STE", "growth", before="released", minutes=-30)
    lot = fold(conditional)
    assert lot.pending_failed == ("STE",)
    assert [p.test for p in lot.pending] == ["STE", "MYCC"]


def test_release_after_a_conditional_one_is_a_release(conditional):
    put(conditional, release.Released(node=conditional.cast.lot), QP, after_release(conditional))
    assert isinstance(fold(conditional).disposition, Released)
    assert fold(conditional).pending == ()
