"""The tissue fold: where it comes from, how it travelled, and what is missing when a fact is."""

from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.folds.tissue import TissueFold
from custody.workflows.rehearsal.steps import STUDY


def fold_of(chain) -> TissueFold:
    dossier = chain.played().dossier(chain.cast.tissue, STUDY)
    return TissueFold(dossier, chain.cast.tissue, StudyFold(dossier, STUDY))


def test_a_valid_tissue_knows_its_donation_its_trip_and_its_first_step(chain):
    fold = fold_of(chain)
    assert fold.donation.node == chain.cast.donation
    assert fold.trip.klass == 0
    assert (fold.trip.coldest, fold.trip.warmest) == (Decimal("5.0"), Decimal("5.0"))
    assert fold.accepted is not None
    assert fold.rejected is None
    assert fold.processing_started.act.tissue == chain.cast.tissue


@pytest.mark.parametrize(("name", "fact"), [("tissue_packed", "packed"), ("tissue_arrived", "arrived")])
def test_a_step_nobody_recorded_is_a_missing_fact(chain, name, fact):
    chain.drop(name)
    with pytest.raises(MissingFact, match=name):
        getattr(fold_of(chain), fact)


def test_a_file_without_a_verified_signature_says_nothing_of_the_trip(chain):
    chain.change("logger_file_read", where=lambda act: act.logger == chain.cast.cord_logger, signature_valid=False)
    fold = fold_of(chain)
    assert len(fold.trip_files) == 1
    assert fold.verified_trip_files == ()
    assert fold.trip.klass == 2


def test_an_arrival_before_the_packing_is_a_missing_fact(chain):
    chain.change("tissue_arrived", arrived_at=chain.step("tissue_packed").act.packed_at - timedelta(seconds=1))
    with pytest.raises(MissingFact, match="tissue_trip_times"):
        _ = fold_of(chain).trip
