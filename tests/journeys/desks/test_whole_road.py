"""A lot from the mother's consent to the closed dose, through desks alone: everybody has a browser and begins at a work list."""

from __future__ import annotations

import pytest

from custody.domain.acts.bedside import DoseClosed
from custody.store.verification import verify
from custody.workflows.dossiers import dossier_of
from tests.counts import IN_FULL
from tests.journeys.browsing import serving
from tests.journeys.desks.road_hands import Hands
from tests.journeys.desks.road_people import Company, StillClock
from tests.journeys.desks.road_play import is_played, walk
from tests.journeys.desks.road_store import prepared

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ELEVEN = 11
FROM = "donor_registered" if IN_FULL else "shipment_planned"
"""Where hands begin: `make prove` walks the whole road, `make test` from the planning of the shipment; what comes before is played."""


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        yield prepared(tmp_path_factory.mktemp("road") / "made")


@pytest.fixture
def hands(browser, road, tmp_path):
    clock = StillClock(road.steps[0].at)
    with serving(road.folder, tmp_path / "store", clock.start, clock=clock) as server:
        yield Hands(Company(browser, server))


def test_everybody_takes_a_lot_from_consent_to_closed_dose_through_their_desks(road, hands):
    walked = walk(road, hands, since=FROM)
    company, store = hands.company, hands.company.server.store
    by_hand = {name for name, _, _ in hands.done}
    assert {step.name for step in walked if not is_played(step)} == by_hand
    assert {(step.name, account) for step in walked if len(step.by) > 1 for account in step.by} <= {(n, by) for n, by, _ in hands.done}
    assert len(company.people) >= ELEVEN
    assert len({id(person.context) for person in company.people.values()}) == len(company.people)
    with store.reading() as connection:
        assert dossier_of(connection, [road.cast.dose]).last(road.cast.dose, DoseClosed) is not None
        assert verify(connection, checkpoint=None).faults == ()
    assert company.complaints == []
