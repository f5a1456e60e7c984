"""The culture fold: doublings are exact, add up along the worst line of ancestors, and are never undone."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.acts.base import Act
from custody.domain.acts.manufacturing import (
    Balance,
    BankFilled,
    BankStarted,
    BankStepRecorded,
    CultureStep,
    LotStarted,
    LotStepRecorded,
    PrimaryCultureHarvested,
    VialsWithdrawn,
)
from custody.domain.dossier import Deed, Dossier, Entry
from custody.domain.folds.base import MissingFact
from custody.domain.folds.culture import CultureFold, VialsFold, shown_doublings
from custody.domain.ids import BankId, Digest, LotId, TissueId
from custody.domain.terms import BankKind, Product, ProductForm

AT = datetime(2026, 3, 1, tzinfo=UTC)
TISSUE, MASTER, WORKING, LOT = TissueId("TS-1"), BankId("MCB-1"), BankId("WCB-1"), LotId("LOT-1")
BALANCE = Balance(unit="vials", quantity_in=Decimal(8), quantity_out=Decimal(8))


def step(times, passage=0, seeded=1000):
    return CultureStep(
        step="expansion",
        started_at=AT,
        materials=(),
        equipment=(),
        passage=passage,
        viable_seeded=Decimal(seeded),
        viable_harvested=Decimal(seeded) * times,
        balance=BALANCE,
    )


def dossier(*acts: Act) -> Dossier:
    """These acts, each in the stream of its subject."""
    streams: dict[str, tuple[Deed[Act], ...]] = {}
    for n, act in enumerate(acts):
        key = act.subject.key
        entry = Entry(
            stream=key,
            position=len(streams.get(key, ())) + 1,
            digest=Digest(f"{n:064x}"),
            act=act,
            happened_at=AT,
            recorded_at=AT,
            by=None,  # type: ignore[arg-type] - no fold of culture asks who
            study=None,
            station="test",
        )
        streams[key] = (*streams.get(key, ()), Deed(act=act, entry=entry, signers=(), began=entry))
    return Dossier(streams=streams)


def line(primary=2, master=2, working=2):
    """A tissue, a master and a working bank, each grown this many times."""
    return (
        PrimaryCultureHarvested(tissue=TISSUE, culture=step(primary)),
        BankStarted(bank=MASTER, kind=BankKind.MASTER, parents=(TISSUE,)),
        BankStepRecorded(bank=MASTER, culture=step(master, 2)),
        BankStarted(bank=WORKING, kind=BankKind.WORKING, parents=(MASTER,), vials_drawn=(1,)),
        BankStepRecorded(bank=WORKING, culture=step(working, 4)),
    )


def test_doublings_of_a_step_are_log2_of_harvested_over_seeded():
    assert CultureFold(dossier(*line(primary=8)), TISSUE).doublings == Decimal("3.00")


def test_doublings_add_up_from_the_tissue_to_the_lot():
    start = LotStarted(lot=LOT, product=Product.CELLS, form=ProductForm.FROZEN, criteria_version=1, banks=(WORKING,), vials_drawn=(1,))
    grown = LotStepRecorded(lot=LOT, culture=step(256, 6))
    fold = CultureFold(dossier(*line(16, 16, 16), start, grown), LOT)
    assert fold.doublings == Decimal("20.00")
    assert fold.passage == 6
    assert len(fold.evidence) == 7


def test_a_start_still_proposed_inherits_from_its_parents():
    start = LotStarted(lot=LOT, product=Product.CELLS, form=ProductForm.FROZEN, criteria_version=1, banks=(WORKING,), vials_drawn=(1,))
    fold = CultureFold(dossier(*line(4, 4, 4)), LOT, start)
    assert fold.growth == 64
    assert fold.passage == 4


def test_a_proposed_step_counts_with_the_recorded_ones():
    proposed = BankStepRecorded(bank=WORKING, culture=step(8, 5))
    fold = CultureFold(dossier(*line()), WORKING, proposed)
    assert fold.growth == 2 * 2 * 2 * 8
    assert fold.passage == 5


def test_of_two_parents_the_one_that_doubled_more_counts():
    other = TissueId("TS-2")
    acts = (
        PrimaryCultureHarvested(tissue=TISSUE, culture=step(4, 0)),
        PrimaryCultureHarvested(tissue=other, culture=step(32, 1)),
        BankStarted(bank=MASTER, kind=BankKind.MASTER, parents=(TISSUE, other)),
    )
    fold = CultureFold(dossier(*acts), MASTER)
    assert fold.growth == 32
    assert fold.passage_before == 1


@pytest.mark.parametrize("drop", [0, 1, 3])
def test_a_break_in_the_line_is_a_missing_fact(drop):
    acts = [act for n, act in enumerate(line()) if n != drop]
    with pytest.raises(MissingFact, match=r"culture|start"):
        _ = CultureFold(dossier(*acts), WORKING).growth


def test_a_bank_that_is_its_own_ancestor_is_a_missing_fact():
    acts = (
        BankStarted(bank=MASTER, kind=BankKind.WORKING, parents=(WORKING,)),
        BankStarted(bank=WORKING, kind=BankKind.WORKING, parents=(MASTER,)),
    )
    with pytest.raises(MissingFact, match="parents"):
        _ = CultureFold(dossier(*acts), MASTER).growth


@pytest.mark.parametrize(("seeded", "harvested"), [("0", "1"), ("-1", "1"), ("1", "-1")])
def test_a_step_with_impossible_counts_is_a_missing_fact(seeded, harvested):
    culture = dataclasses.replace(step(1), viable_seeded=Decimal(seeded), viable_harvested=Decimal(harvested))
    with pytest.raises(MissingFact, match="viable_cells"):
        _ = CultureFold(dossier(PrimaryCultureHarvested(tissue=TISSUE, culture=culture)), TISSUE).growth


def test_thirty_doublings_are_exactly_at_the_limit():
    at_limit = CultureFold(dossier(PrimaryCultureHarvested(tissue=TISSUE, culture=step(2**30))), TISSUE)
    assert at_limit.within_doublings(Decimal(30))
    assert at_limit.doublings == Decimal("30.00")
    over = dataclasses.replace(step(2**30), viable_harvested=Decimal(1000) * 2**30 + Decimal("0.000001"))
    beyond = CultureFold(dossier(PrimaryCultureHarvested(tissue=TISSUE, culture=over)), TISSUE)
    assert not beyond.within_doublings(Decimal(30))
    assert beyond.doublings == Decimal("30.01")


@pytest.mark.parametrize(("limit", "within"), [("29.5", False), ("30.0", True), ("30.25", True)])
def test_a_limit_may_have_decimals(limit, within):
    fold = CultureFold(dossier(PrimaryCultureHarvested(tissue=TISSUE, culture=step(2**30))), TISSUE)
    assert fold.within_doublings(Decimal(limit)) is within


COUNTS = st.integers(min_value=1, max_value=10**9)


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=6))
def test_growth_is_the_product_of_the_steps_that_grew_and_never_shrinks(steps):
    acts = [
        PrimaryCultureHarvested(
            tissue=TISSUE, culture=dataclasses.replace(step(1), viable_seeded=Decimal(seeded), viable_harvested=Decimal(harvested))
        )
        for seeded, harvested in steps
    ]
    fold = CultureFold(dossier(*acts), TISSUE)
    assert fold.growth == prod((max(Fraction(1), Fraction(harvested, seeded)) for seeded, harvested in steps), start=Fraction(1))
    if len(acts) > 1:
        assert fold.growth >= CultureFold(dossier(*acts[:-1]), TISSUE).growth


@given(st.fractions(min_value=1, max_value=2**60))
def test_shown_doublings_are_the_true_ones_rounded_up_to_a_hundredth(growth):
    hundredths = int(shown_doublings(growth) * 100)
    assert growth**100 <= 2**hundredths
    assert hundredths == 0 or growth**100 > 2 ** (hundredths - 1)


@given(st.integers(min_value=0, max_value=120))
def test_whole_doublings_are_shown_whole(power):
    assert shown_doublings(Fraction(2) ** power) == power


def test_the_vials_left_are_those_filled_and_not_drawn():
    filled = BankFilled(bank=MASTER, vials=8, viable_cells_per_vial=Decimal(1), filled_at=AT, balance=BALANCE)
    drawn = VialsWithdrawn(bank=MASTER, vials=(2, 5), into=WORKING)
    vials = VialsFold(dossier(filled, drawn), MASTER)
    assert (vials.filled, vials.drawn, vials.left) == (8, {2, 5}, 6)


def test_a_bank_never_filled_is_a_missing_fact():
    with pytest.raises(MissingFact, match="bank_filled"):
        _ = VialsFold(dossier(), MASTER).filled
